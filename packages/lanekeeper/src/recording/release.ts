import { readFileSync } from "node:fs";

/** The release of this package. */
export const release: string = readRelease();

function readRelease(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String((manifest as { readonly version?: unknown }).version);
}

import { LanekeeperError } from "lanekeeper";
import type { SqliteLeasesOptions } from "./sqlite-leases.ts";

const mostMs = 2_147_483_647;
const leastBytes = 1_048_576;

/** Checks a lease file's path and options. Throws `INVALID_OPTION`. */
export function checkLeaseOptions(
  path: unknown,
  options: SqliteLeasesOptions,
): { readonly timeoutMs: number; readonly maxBytes: number | undefined } {
  if (typeof path !== "string" || path === "" || path.includes("\0") || path === ":memory:")
    throw invalid("path", path, "the path of a file that the processes share");
  const { timeoutMs = 2_000, maxBytes } = options;
  if (!(timeoutMs >= 1 && timeoutMs <= mostMs))
    throw invalid("timeoutMs", timeoutMs, `milliseconds from 1 to ${mostMs}`);
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastBytes))
    throw invalid("maxBytes", maxBytes, `a whole number of bytes, at least ${leastBytes}`);
  return { timeoutMs, maxBytes };
}

function invalid(option: string, got: unknown, takes: string): LanekeeperError {
  return new LanekeeperError(
    "INVALID_OPTION",
    `sqliteLeases: ${option} must be ${takes}; it was ${JSON.stringify(got) ?? String(got)}.`,
    { option, takes },
  );
}

import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { readOptions } from "./read-options.ts";

const help = `Usage: npm run attw

Asks attw whether the types of every published package resolve for those who install it. pnpm packs them, since only its
tarballs have publishConfig.exports applied, into a folder that is removed afterwards. Needs a build.

  --help  this text
`;
readOptions({}, help);

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly packageManager?: string;
}

const root = resolve(import.meta.dirname, "..");

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest;
}

/** Packs every published package and returns the tarballs. */
function pack(destination: string): readonly string[] {
  const names = globSync(["machines/package.json", "packages/*/package.json"], { cwd: root })
    .map(readManifest)
    .filter((manifest) => manifest.private !== true)
    .map(({ name }) => name);
  const pnpm = readManifest("package.json").packageManager ?? "pnpm";
  const filters = names.flatMap((name) => ["--filter", name]);
  const args = [
    "-y",
    "--prefer-offline",
    pnpm,
    ...filters,
    "pack",
    "--silent",
    "--pack-destination",
    destination,
  ];
  const { error, status } = spawnSync("npx", args, { cwd: root, stdio: "inherit" });
  if (error !== undefined) throw error;
  const tarballs = globSync("*.tgz", { cwd: destination }).toSorted();
  if (status !== 0 || tarballs.length !== names.length)
    throw new Error(`Of ${names.length} packages, pnpm packed ${tarballs.length}.`);
  return tarballs.map((name) => join(destination, name));
}

/** True when nothing is wrong. attw is content with a package that has no types at all; this is not. */
function check(tarball: string): boolean {
  const { error, status, stdout } = spawnSync(
    "attw",
    [tarball, "--profile", "esm-only", "--format", "json"],
    { encoding: "utf8", maxBuffer: Infinity, stdio: ["ignore", "pipe", "inherit"] },
  );
  if (error !== undefined) throw error;
  if (status !== 0) {
    spawnSync("attw", [tarball, "--profile", "esm-only", "--format", "ascii"], { stdio: "inherit" });
    return false;
  }
  const { analysis } = JSON.parse(stdout) as { analysis: { types: unknown } };
  if (analysis.types === false) console.error(`${basename(tarball)} has no types; was it built?`);
  return analysis.types !== false;
}

const folder = mkdtempSync(join(tmpdir(), "lanekeeper-attw-"));
try {
  const outcomes = pack(folder).map(check);
  if (outcomes.includes(false)) process.exitCode = 1;
  else console.log(`${outcomes.length} packages with types that resolve`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

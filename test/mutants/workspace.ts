import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * A copy of the repository, in which a mutant may be tried while others are tried elsewhere.
 *
 * I1. Every file that git knows or would add is copied, every package of our own resolves inside the copy, and libraries
 *     are those of the repository itself.
 */
export interface Workspace extends AsyncDisposable {
  readonly root: string;
}

/** Copies a repository to a temporary directory, which is removed when the copy is disposed of. */
export async function copyRepository(repository: string): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "lanekeeper-mutants-"));
  const files = await listFiles(repository);
  const directories = new Set(files.map((file) => dirname(join(root, file))));
  for (const directory of directories) await mkdir(directory, { recursive: true });
  for (const file of files) await copyFile(join(repository, file), join(root, file));
  const packages = files.filter((file) => file.endsWith("/package.json")).map((file) => dirname(file));
  for (const own of packages) await copyLinks(join(repository, own), join(root, own));
  await linkLibraries(repository, root);
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

async function listFiles(repository: string): Promise<readonly string[]> {
  const list = async (...options: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await run("git", ["ls-files", "-z", ...options], {
      cwd: repository,
      maxBuffer: 1 << 26,
    });
    return stdout.split("\0").filter((file) => file !== "");
  };
  const deleted = new Set(await list("--deleted"));
  const known = await list("--cached", "--others", "--exclude-standard");
  return known.filter((file) => !deleted.has(file));
}

/** A package's links are relative: in the copy they lead to the copied packages. One without dependencies has none. */
async function copyLinks(from: string, to: string): Promise<void> {
  if (!existsSync(join(from, "node_modules"))) return;
  await cp(join(from, "node_modules"), join(to, "node_modules"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith("/.cache"),
  });
}

/** A directory of the copy's own, so that tools do not keep what they remember of a mutant in the repository. */
async function linkLibraries(repository: string, root: string): Promise<void> {
  const from = join(repository, "node_modules");
  const to = join(root, "node_modules");
  await mkdir(to);
  for (const name of await readdir(from)) {
    const isCache = name.startsWith(".") && name !== ".bin" && name !== ".pnpm";
    if (!isCache) await symlink(join(from, name), join(to, name));
  }
}

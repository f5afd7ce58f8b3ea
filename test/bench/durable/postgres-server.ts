import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../servers/free-port.ts";
import { isThere } from "../../servers/installed.ts";

/** Thrown where there is no PostgreSQL server, and says why. */
class NoPostgres extends Error {
  override readonly name = "NoPostgres";
}

/** A PostgreSQL server of the benchmark's own, in a temporary folder, with the settings that it comes with. */
export interface PostgresServer {
  readonly url: string;
  readonly version: string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Who runs it: PostgreSQL refuses root. */
interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** Where Debian has it, a folder for each version. */
const debianFolder = "/usr/lib/postgresql";

/** The folder of the newest installed version, with a slash; empty where it is on the PATH; undefined where there is none. */
function findPrograms(): string | undefined {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : [];
  const newest = versions
    .filter((version) => existsSync(join(debianFolder, version, "bin", "initdb")))
    .toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest !== undefined) return join(debianFolder, newest, "bin/");
  return isThere("initdb", "--version") && isThere("postgres", "--version") ? "" : undefined;
}

function provide(): string {
  const found = findPrograms();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !isThere("apt-get", "--version"))
    throw new NoPostgres("postgresql is not installed: `sudo apt-get install -y postgresql`");
  const install = (): boolean => isThere("apt-get", "install", "-y", "--no-install-recommends", "postgresql");
  if (!install() && !(isThere("apt-get", "update") && install()))
    throw new NoPostgres("`apt-get install postgresql` failed");
  const installed = findPrograms();
  if (installed === undefined) throw new NoPostgres("`apt-get install postgresql` brought no initdb");
  return installed;
}

/** The user `postgres` where this process is root's. */
function findUser(): User {
  if (process.getuid?.() !== 0) return {};
  try {
    const idOf = (flag: string): number =>
      Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
    return { uid: idOf("-u"), gid: idOf("-g") };
  } catch {
    throw new NoPostgres("PostgreSQL does not run as root, and there is no user postgres");
  }
}

/** Starts a server on a free port, installed where it is missing and may be. Throws `NoPostgres`. */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = provide();
  const user = findUser();
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-postgres-"));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const args = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"];
    execFileSync(`${programs}initdb`, args, { ...user, cwd: folder, stdio: "pipe" });
    const port = await findFreePort();
    const settings = ["-D", data, "-p", String(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"];
    const child = spawn(`${programs}postgres`, settings, {
      ...user,
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const endWithUs = (): unknown => child.kill("SIGINT");
    process.once("exit", endWithUs);
    const ended = once(child, "close");
    let log = "";
    const isReady = await Promise.race([
      ended.then(() => false),
      new Promise<boolean>((resolve) =>
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          log += text;
          if (log.includes("ready to accept connections")) resolve(true);
        }),
      ),
    ]);
    if (!isReady) throw new NoPostgres(`postgres ended at once: ${log.trim()}`);
    const version = execFileSync(`${programs}postgres`, ["--version"], { encoding: "utf8" });
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      version: /\d+(\.\d+)?/.exec(version)?.[0] ?? "",
      async stop() {
        process.removeListener("exit", endWithUs);
        // Its fast end: whoever is connected is cut off.
        child.kill("SIGINT");
        await ended;
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error instanceof NoPostgres
      ? error
      : new NoPostgres(`PostgreSQL cannot be started: ${String(error)}`);
  }
}

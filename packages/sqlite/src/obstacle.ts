import { accessSync, constants, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** What keeps this process from opening or writing a file, and what to do about it. */
export interface Obstacle {
  readonly reason: "read-only" | "cannot-open" | "name-too-long";
  readonly what: string;
  readonly advice: string;
}

/** The files that SQLite keeps beside a database. */
const companions = ["-wal", "-shm", "-journal"];

const tooLong: Obstacle = {
  reason: "name-too-long",
  what: "its path or a name in it is longer than the system takes",
  advice: "give a shorter one (SQLite adds up to 8 characters to the file's name)",
};

/**
 * Looks at a file, its folder and what SQLite keeps beside it, for what SQLite calls an input/output error or says nothing
 * of. Undefined where nothing is in the way by now.
 */
export function findObstacle(path: string): Obstacle | undefined {
  const folder = dirname(path);
  const around = statsOf(folder);
  if (typeof around === "string") return obstacleOnTheWay(folder, around);
  if (!around.isDirectory())
    return cannotOpen(`${folder} is a file, not a folder`, "give a path in a folder that exists");
  const stats = statsOf(path);
  if (stats === "ENAMETOOLONG") return tooLong;
  if (stats === "EACCES" || mayNot(folder, around, "enter") !== undefined)
    return cannotOpen(`${user()} may not enter the folder ${folder}`, "give it the permission to (chmod +x)");
  if (typeof stats !== "string") {
    const inTheWay = obstacleOfFile(path, stats);
    if (inTheWay !== undefined) return inTheWay;
  }
  const what = `the folder ${folder}, where SQLite makes files beside it,`;
  return obstacleOfWriting(what, folder, around) ?? obstacleOfCompanions(path);
}

function obstacleOnTheWay(folder: string, code: string): Obstacle | undefined {
  if (code === "ENAMETOOLONG") return tooLong;
  if (code === "ENOENT") return cannotOpen(`the folder ${folder} does not exist`, "make it (mkdir -p)");
  if (code === "ENOTDIR")
    return cannotOpen(`a part of the path ${folder} is a file`, "give a path in a folder that exists");
  if (code === "EACCES")
    return cannotOpen(
      `${user()} may not enter one of the folders above ${folder}`,
      "give it the permission to (chmod +x)",
    );
  return undefined;
}

function obstacleOfFile(path: string, stats: Stats): Obstacle | undefined {
  if (stats.isDirectory())
    return cannotOpen("it is a folder", `give the path of a file, such as ${join(path, "lanekeeper.db")}`);
  if (!stats.isFile())
    return cannotOpen("it is no regular file but a device, a pipe or a socket", "give the path of a file");
  if (mayNot(path, stats, "read") !== undefined)
    return cannotOpen(
      `${user()} may not read it (its mode is ${modeOf(stats)})`,
      "give it the permission to",
    );
  return obstacleOfWriting("it", path, stats);
}

function obstacleOfCompanions(path: string): Obstacle | undefined {
  for (const end of companions) {
    const beside = `${path}${end}`;
    const stats = statsOf(beside);
    if (stats === "ENAMETOOLONG") return tooLong;
    const inTheWay =
      typeof stats === "string"
        ? undefined
        : obstacleOfWriting(`${beside}, which belongs to it,`, beside, stats);
    if (inTheWay !== undefined) return inTheWay;
  }
  return undefined;
}

function obstacleOfWriting(what: string, path: string, stats: Stats): Obstacle | undefined {
  const refusal = mayNot(path, stats, "write");
  return refusal === undefined ? undefined : forbiddenWriting(what, refusal, modeOf(stats));
}

/** What it says that something may not be written, by the system's code. */
export function forbiddenWriting(what: string, code: string, mode: string): Obstacle {
  const reason = "read-only";
  if (code === "EROFS") {
    const advice = "mount it writable, or give another path";
    return { reason, what: `${what} is on a file system that is mounted read-only`, advice };
  }
  if (code === "EPERM") {
    const advice = "take that mark away (chattr -i), or give another path";
    return { reason, what: `${what} is marked as not to be changed`, advice };
  }
  const advice = "make it writable for this user, or give another path";
  return { reason, what: `${what} may not be written by ${user()}, for its mode is ${mode}`, advice };
}

const wishes = {
  read: [constants.R_OK, 0o444],
  write: [constants.W_OK, 0o222],
  enter: [constants.X_OK, 0o111],
} as const;

/** The system's code where something may not be done with what is there; undefined where it may. */
function mayNot(path: string, { mode }: Stats, wish: keyof typeof wishes): string | undefined {
  const [asked, bits] = wishes[wish];
  try {
    accessSync(path, asked);
  } catch (error) {
    return codeOf(error);
  }
  // The system answers for whoever started the process, which may act as somebody else. The superuser is bound by no mode.
  return process.geteuid?.() === 0 || (mode & bits) !== 0 ? undefined : "EACCES";
}

function statsOf(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown";
}

function cannotOpen(what: string, advice: string): Obstacle {
  return { reason: "cannot-open", what, advice };
}

function user(): string {
  const id = process.geteuid?.();
  return id === undefined ? "this user" : `this user (uid ${id})`;
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8).padStart(3, "0");
}

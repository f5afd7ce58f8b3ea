import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { LanekeeperError } from "lanekeeper";
import { isForeign, isOfAnotherFormat } from "./file-head.ts";
import { findObstacle } from "./obstacle.ts";

/** SQLite's primary result codes that a host can do something about, with what they mean for what is kept there. */
const meanings: Readonly<Record<number, { readonly reason: string; readonly advice: string }>> = {
  5: { reason: "locked", advice: "another process has the file; close it there" },
  8: { reason: "read-only", advice: "make the file and its folder writable" },
  10: { reason: "io", advice: "look at the disk, at its quotas and at the system's log" },
  13: { reason: "full", advice: "free space on the disk" },
  14: { reason: "cannot-open", advice: "see that the folder exists and that this user may write to it" },
};

/** What a database begins with. */
const headBytes = 100;
const mebibyte = 1_048_576;
/** What a commit of the largest usual message takes, in the log and in the file. */
const commitMebibytes = 3;

/** The codes that may come of a path or of permissions: read-only, input/output, cannot open. */
const isOfPath: ReadonlySet<number> = new Set([8, 10, 14]);

/** What a host can branch on, of whatever a step on the file threw; `maxBytes` is the most it may grow to, if that is set. */
export function toStoreError(path: string, error: unknown, maxBytes?: number): LanekeeperError {
  if (error instanceof LanekeeperError) return error;
  return isDamage(error) ? corrupt(path, messageOf(error), error) : unavailable(path, error, maxBytes);
}

function unavailable(path: string, error: unknown, maxBytes?: number): LanekeeperError {
  const code = primaryCodeOf(error);
  const obstacle = code === undefined || isOfPath.has(code) ? findObstacle(path) : undefined;
  const meaning = isFull(error) ? meaningOfFull(path, maxBytes) : undefined;
  const { reason, advice } = obstacle ??
    meaning ??
    meanings[code ?? -1] ?? { reason: "failed", advice: "see the cause" };
  const what = obstacle === undefined ? `failed (${messageOf(error)})` : `cannot be used: ${obstacle.what}`;
  return new LanekeeperError(
    "STORE_UNAVAILABLE",
    `The file ${path} ${what}. Nothing of this was kept; ${advice}, and try again.`,
    { path, reason },
    { cause: error },
  );
}

/** The same for what fails while a file is opened: one that is no database, or whose tables are others. */
export function toOpeningError(path: string, error: unknown): LanekeeperError {
  if (error instanceof LanekeeperError) return error;
  if (isNoDatabase(error) && isForeign(path)) return foreign(path, "no SQLite database", error);
  // SQLite takes it for one that only a later version of SQLite may write.
  if (primaryCodeOf(error) === 8 && isOfAnotherFormat(path))
    return corrupt(path, "its head says that it is of another format", error);
  // Statements that SQLite cannot make are those of a file that has other tables.
  return primaryCodeOf(error) === 1 ? corrupt(path, messageOf(error), error) : toStoreError(path, error);
}

/**
 * Throws where less is left of a file than a database begins with: SQLite takes what is missing for zeros, and the file for
 * somebody else's, or of one byte for an empty one, and would write over it.
 */
export function assertNoScrap(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0 || size >= headBytes) return;
  if (!isForeign(path)) throw corrupt(path, "it ends in its head");
  if (size === 1) throw foreign(path, "no SQLite database");
}

/** A file that was somebody else's before Lanekeeper came. */
export function foreign(path: string, what: string, cause?: unknown): LanekeeperError {
  return new LanekeeperError(
    "STORE_INCOMPATIBLE",
    `${path} is ${what}. It was left as it is; give a path of its own to what Lanekeeper keeps. If that was here before, something has written over it: go on with a backup, or remove it to begin anew.`,
    { path, what },
    { cause },
  );
}

/** A file that cannot be trusted any more. */
export function corrupt(path: string, what: string, cause?: unknown): LanekeeperError {
  return new LanekeeperError(
    "STORE_CORRUPT",
    `The file ${path} is damaged (${what}). Nothing more is written to it. Keep a copy of it and of its -wal; then go on with a backup, or remove both to begin anew without what they held.`,
    { path, what },
    { cause },
  );
}

/**
 * What is full, and what to do: the file, of which its option says how large it may be, or the disk. With as much as the log
 * takes that can be emptied, and a commit be made.
 */
function meaningOfFull(
  path: string,
  maxBytes: number | undefined,
): { readonly reason: string; readonly advice: string } | undefined {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (log === 0 && maxBytes === undefined) return undefined;
  const wanted = Math.ceil(log / mebibyte) + commitMebibytes;
  const advice =
    maxBytes !== undefined && freeBytes(path) > wanted * mebibyte
      ? `the store may take ${maxBytes} bytes (its option maxBytes): raise that, or let what waits run`
      : `free ${wanted} MiB on the disk`;
  return { reason: "full", advice };
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/** Whether there was no room for what was to be written: on the disk, in a quota, or below the most a file may take. */
export function isOutOfRoom(error: unknown): boolean {
  return isFull(error) || isUnseenLimit(error);
}

/** Whether SQLite could not write, but not because the disk is full: as with a quota, which it does not tell from others. */
export function isUnseenLimit(error: unknown): boolean {
  return (error as { readonly errcode?: unknown } | undefined)?.errcode === 778;
}

function isFull(error: unknown): boolean {
  return primaryCodeOf(error) === 13;
}

/** Whether another connection has the file. */
export function isLocked(error: unknown): boolean {
  return primaryCodeOf(error) === 5;
}

/** Whether SQLite found a file not to be what it should be: `SQLITE_CORRUPT`, or no database at all. */
export function isDamage(error: unknown): boolean {
  return primaryCodeOf(error) === 11 || isNoDatabase(error);
}

/** Whether a file does not begin as a database does: `SQLITE_NOTADB`. */
export function isNoDatabase(error: unknown): boolean {
  return primaryCodeOf(error) === 26;
}

function primaryCodeOf(error: unknown): number | undefined {
  const errcode = (error as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

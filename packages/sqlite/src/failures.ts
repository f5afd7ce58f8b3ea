import { LanekeeperError } from "lanekeeper";

/** SQLite's primary result codes that a host can do something about, with what they mean for a store. */
const meanings: Readonly<Record<number, { readonly reason: string; readonly advice: string }>> = {
  5: { reason: "locked", advice: "another process has the file; close it there" },
  8: { reason: "read-only", advice: "make the file and its folder writable" },
  10: { reason: "io", advice: "look at the disk and at the system's log" },
  13: { reason: "full", advice: "free space on the disk, or raise maxBytes" },
  14: { reason: "cannot-open", advice: "see that the folder exists and that this user may write to it" },
};

/** SQLite's codes for a file that is not what it should be: `SQLITE_CORRUPT`, `SQLITE_NOTADB`. */
const corruptCodes: ReadonlySet<number | undefined> = new Set([11, 26]);

/** What a host can branch on, of whatever a step on the file threw. */
export function toStoreError(path: string, error: unknown): LanekeeperError {
  if (error instanceof LanekeeperError) return error;
  const code = primaryCodeOf(error);
  if (isDamage(error)) return corrupt(path, messageOf(error), error);
  return unavailable(path, code, error);
}

/** What becomes of a file that may not be written, whatever SQLite calls that. */
export function readOnly(path: string, error: unknown): LanekeeperError {
  return unavailable(path, 8, error);
}

function unavailable(path: string, code: number | undefined, error: unknown): LanekeeperError {
  const { reason, advice } = meanings[code ?? -1] ?? { reason: "failed", advice: "see the cause" };
  return new LanekeeperError(
    "STORE_UNAVAILABLE",
    `The store ${path} failed (${messageOf(error)}). Nothing of this was kept; ${advice}, and try again.`,
    { path, reason },
    { cause: error },
  );
}

/** The same for what fails while a file is opened: statements that SQLite cannot make are those of a file that has other tables. */
export function toOpeningError(path: string, error: unknown): LanekeeperError {
  const isOther = !(error instanceof LanekeeperError) && primaryCodeOf(error) === 1;
  return isOther ? corrupt(path, messageOf(error), error) : toStoreError(path, error);
}

/** A file that cannot be trusted any more. */
export function corrupt(path: string, what: string, cause?: unknown): LanekeeperError {
  return new LanekeeperError(
    "STORE_CORRUPT",
    `The store ${path} is damaged (${what}). Nothing more is written to it. Keep it for examination and go on with a backup.`,
    { path, what },
    { cause },
  );
}

/** Whether another connection has the file. */
export function isLocked(error: unknown): boolean {
  return primaryCodeOf(error) === 5;
}

/** Whether a lock on the file was refused by the system, and not because another has it: `SQLITE_IOERR_LOCK`. */
export function isLockRefused(error: unknown): boolean {
  return (error as { readonly errcode?: unknown }).errcode === 3_850;
}

/** Whether SQLite found a file not to be what it should be. */
export function isDamage(error: unknown): boolean {
  return corruptCodes.has(primaryCodeOf(error));
}

function primaryCodeOf(error: unknown): number | undefined {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

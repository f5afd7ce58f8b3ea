import { existsSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { LanekeeperError } from "lanekeeper";
import { type Connection, createConnection } from "./connection.ts";
import {
  assertNoScrap,
  corrupt,
  foreign,
  isDamage,
  isLocked,
  isNoDatabase,
  toOpeningError,
} from "./failures.ts";
import { forgetHolder, noteHolder, readHolder } from "./holder-file.ts";
import { createLogRoom, openLogFile } from "./log-room.ts";
import { readJournal } from "./journal-file.ts";
import { applicationId, journalVersion, migrations } from "./migrations.ts";

/**
 * The file of a store, opened.
 *
 * I1. Whoever has it open has SQLite's exclusive lock on it: the system takes that back with the process, however it ends.
 * I2. A file of somebody else, or of a later version, is looked at without a lock and without a change.
 * I3. The file is never opened but by SQLite: closing another descriptor of it would release this process's locks.
 */
export interface DatabaseFile {
  readonly connection: Connection;
  /** Writes what is in the log to the file, and gives it back. */
  close(): void;
}

/** How a file is to be used. */
export interface FileSettings {
  readonly durability: "full" | "normal";
  /** The most the file may grow to, in bytes. */
  readonly maxBytes: number | undefined;
}

/** Pages of the log that are brought into the file together: the same page is in it many times, and each time has two syncs. */
const logPages = 1_000;
/** SQLite's own page size. */
const pageBytes = 4_096;

/** The files that this process has open. */
const openHere = new Set<string>();

/**
 * Opens a store's file, made if there is none. Throws `STORE_IN_USE`, `STORE_INCOMPATIBLE`, `STORE_CORRUPT` or
 * `STORE_UNAVAILABLE`; the file is as it was then.
 */
export function openDatabaseFile(given: string, settings: FileSettings): DatabaseFile {
  const path = realPathOf(given);
  const wasThere = existsSync(path);
  let database: DatabaseSync | undefined;
  try {
    assertNoScrap(path);
    const size = sizeOf(path);
    const hasLog = sizeOf(`${path}-wal`) > 0;
    // SQLite would begin anew, and throw the log away.
    if (size === 0 && hasLog) throw corrupt(path, `it is empty or gone, while its log ${path}-wal is there`);
    // What a crash while it was made has left is undone by SQLite first.
    const isLeft = size > 0 && sizeOf(`${path}-journal`) === 0;
    if (isLeft) assertOurs(path, hasLog);
    const checked = isLeft && hasLog ? checkWithLog(path) : undefined;
    // A crash in the middle of a page is mended from the log.
    if (size % pageBytes > 0 && !hasLog) throw corrupt(path, "it ends in the middle of a page");
    database = new DatabaseSync(path, { timeout: 0 });
    lock(database, settings);
    // A process that was killed while it checked the file has left it; whoever has the file alone does without.
    rmSync(`${path}-shm`, { force: true });
    if (checked !== markOfLog(path)) assertSound(path, database);
    migrate(path, database);
    noteHolder(path);
    const room = createLogRoom(openLogFile(path, database));
    const connection = createConnection({ path, maxBytes: settings.maxBytes }, database, room);
    openHere.add(path);
    return {
      connection,
      close() {
        connection.close();
        openHere.delete(path);
        forgetHolder(path);
      },
    };
  } catch (error) {
    closeQuietly(database);
    const failure = isLocked(error) ? inUse(path, error) : toOpeningError(path, error);
    // SQLite has made it, and then nobody could have anything beside it.
    const isMade = !wasThere && existsSync(path);
    if (isMade && failure.details["reason"] === "name-too-long") rmSync(path, { force: true });
    throw failure;
  }
}

/** The path behind links, also of a file that is not there yet: two names of one file are one store. */
function realPathOf(given: string): string {
  const path = resolve(given);
  const folder = dirname(path);
  return realPath(path) ?? join(realPath(folder) ?? folder, basename(path));
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // Not there, or out of reach: opening it will say so.
    return undefined;
  }
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Looks at the head of a file without a lock, and without what SQLite would leave beside it. Where there is a log, that may
 * hold pages that the file wants: a crash, or a full disk, while they were moved to it. Then the file is looked at with it.
 */
function assertOurs(path: string, hasLog: boolean): void {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    assertVersion(path, database);
  } catch (error) {
    // No crash changes what a database begins with.
    if (!hasLog || isNoDatabase(error) || !isDamage(error)) throw error;
  } finally {
    database.close();
  }
}

/**
 * Checks a file that has a log, for reading alone: a connection that may write moves the log to the file when it is closed, and
 * a damaged file is to stay as it is. Answers the mark of the log that it looked at; nothing where it could not look, which
 * whoever opens it for good will be told.
 */
function checkWithLog(path: string): string | undefined {
  const mark = markOfLog(path);
  const index = `${path}-shm`;
  const hadIndex = existsSync(index);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    assertVersion(path, database);
    assertSound(path, database);
    return mark;
  } catch (error) {
    if (error instanceof LanekeeperError || isDamage(error)) throw error;
    return undefined;
  } finally {
    database?.close();
    // SQLite makes it for readers of a log, and leaves it; whoever has the file alone does without.
    if (!hadIndex) rmSync(index, { force: true });
  }
}

function markOfLog(path: string): string {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return `${log?.ino}:${log?.size}:${log?.mtimeMs}`;
}

function assertVersion(path: string, database: DatabaseSync): number {
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (application !== applicationId) {
    throw foreign(path, "a SQLite database, but no store of Lanekeeper");
  }
  if (version > migrations.length) {
    throw new LanekeeperError(
      "STORE_INCOMPATIBLE",
      `The store ${path} was written by a later version (format ${version}; this one knows ${migrations.length}). It was left as it is; upgrade @lanekeeper/sqlite, or go on with a backup from before.`,
      { path, version, known: migrations.length },
    );
  }
  return version;
}

/** Takes the file for this connection alone, for as long as it is open. */
function lock(database: DatabaseSync, { durability, maxBytes }: FileSettings): void {
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  // The lock is taken with the first transaction that writes, and kept. It changes nothing.
  database.exec("BEGIN EXCLUSIVE; COMMIT");
  database.exec(`
    PRAGMA synchronous = ${durability};
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA wal_autocheckpoint = ${logPages};
  `);
  if (maxBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
}

function assertSound(path: string, database: DatabaseSync): void {
  const findings = database.prepare("PRAGMA quick_check(1)").all() as { readonly quick_check: string }[];
  const [first] = findings;
  if (first?.quick_check !== "ok") throw corrupt(path, first?.quick_check ?? "SQLite's check says nothing");
  if (pragma(database, "user_version") >= journalVersion) readJournal(path, database);
}

/** Brings the file to this version, one migration a transaction. */
function migrate(path: string, database: DatabaseSync): void {
  const isNew = pragma(database, "schema_version") === 0;
  const from = isNew ? 0 : assertVersion(path, database);
  for (const [index, migration] of migrations.entries()) {
    if (index < from) continue;
    database.exec("BEGIN IMMEDIATE");
    try {
      migration(database);
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}; COMMIT`);
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
  // A file is made with a journal that is undone after a crash; only a whole one is given a log.
  database.exec("PRAGMA journal_mode = WAL");
}

function pragma(database: DatabaseSync, name: string): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!;
}

function inUse(path: string, cause: unknown): LanekeeperError {
  // A hard link is another path of the same file, and has no note of its holder beside it.
  const other = [...openHere].find((open) => open !== path && isSameFile(open, path));
  const holder = readHolder(other ?? path);
  const named =
    holder === undefined
      ? "Another process"
      : `Process ${holder.pid} on ${holder.host} (since ${new Date(holder.since).toISOString()})`;
  const who = other === undefined ? named : "This very process";
  const as = other === undefined ? "" : `, as ${other}`;
  return new LanekeeperError(
    "STORE_IN_USE",
    `${who} has the store ${path} open${as}. Close it there, or give each keeper a file of its own.`,
    { path, ...holder },
    { cause },
  );
}

function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    database?.close();
  } catch {
    // What is to be told is why it could not be opened.
  }
}

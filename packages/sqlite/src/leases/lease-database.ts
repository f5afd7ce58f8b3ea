import { statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LanekeeperError } from "lanekeeper";
import { assertNoScrap, corrupt, foreign } from "../failures.ts";
import type { LeaseFileSettings } from "./lease-options.ts";

/**
 * A lease file, opened; other processes have it open too.
 *
 * I1. A file of somebody else, or of a later version, is left as it is.
 * I2. What a step changes is on disk when it is over, or was never there.
 */
export interface LeaseDatabase {
  /** Whether the path still leads to the file that was opened; one that was removed keeps nobody out. */
  isInPlace(): boolean;
  /** Runs a step while no other process writes. Throws what SQLite does, `SQLITE_BUSY` where another process has its turn. */
  step<Answer>(run: (tables: LeaseTables) => Answer): Answer;
  close(): void;
}

/** What a step may do. Instants are microseconds since the boot. */
export interface LeaseTables {
  readFile(): FileRow;
  writeFile(row: FileRow): void;
  readLease(name: string): LeaseRow | undefined;
  writeLease(name: string, lease: LeaseRow): void;
  removeLease(name: string): void;
  removeUntil(instant: number): void;
}

/** What the file knows beside its leases. */
export interface FileRow {
  readonly boot: string;
  /** The last instant of the boot that the file has seen. */
  readonly seen: number;
  /** The largest token, of all names. */
  readonly token: bigint;
}

/** A lease that was not released. */
export interface LeaseRow {
  readonly owner: string;
  readonly token: bigint;
  readonly until: number;
}

/** Marks a file as leases of Lanekeeper: "LnKl". */
const applicationId = 0x4c6e4b6c;
const version = 1;
/** SQLite's own page size. */
const pageBytes = 4_096;
/** Milliseconds a step waits for another process's in one go: the event loop stands still meanwhile. */
const busyMs = 5;

/** Opens a lease file, made if there is none. Throws what SQLite does, `STORE_INCOMPATIBLE` or `STORE_CORRUPT`. */
export function openLeaseDatabase({
  path,
  maxBytes,
}: Pick<LeaseFileSettings, "path" | "maxBytes">): LeaseDatabase {
  assertNoScrap(path);
  const database = new DatabaseSync(path, { timeout: busyMs });
  try {
    prepareFile(path, database);
    if (maxBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
    const opened = statSync(path);
    const tables = createTables(database);
    const begin = database.prepare("BEGIN IMMEDIATE");
    const commit = database.prepare("COMMIT");
    const rollback = database.prepare("ROLLBACK");
    return {
      isInPlace() {
        const now = statSync(path, { throwIfNoEntry: false });
        return now?.ino === opened.ino && now.dev === opened.dev;
      },
      step(run) {
        begin.run();
        try {
          const answer = run(tables);
          commit.run();
          return answer;
        } finally {
          // SQLite has rolled back by itself where it could not go on.
          if (database.isTransaction) rollback.run();
        }
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepareFile(path: string, database: DatabaseSync): void {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const isEmpty = (): boolean => pragma("schema_version") === 0;
  if (!isEmpty()) assertOurs(path, Number(pragma("application_id")), Number(pragma("user_version")));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF");
  if (isEmpty()) create(database, isEmpty);
  const found = pragma("quick_check(1)");
  if (found !== "ok") throw corrupt(path, String(found));
}

function assertOurs(path: string, application: number, written: number): void {
  if (application !== applicationId) {
    throw foreign(path, "a SQLite database, but no lease file of Lanekeeper");
  }
  if (written > version) {
    throw new LanekeeperError(
      "STORE_INCOMPATIBLE",
      `The lease file ${path} was written by a later version (format ${written}; this one knows ${version}). It was left as it is; upgrade @lanekeeper/sqlite in this process too.`,
      { path, version: written, known: version },
    );
  }
}

/** Makes the tables, unless another process has made them meanwhile. */
function create(database: DatabaseSync, isEmpty: () => boolean): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    if (isEmpty()) {
      database.exec(`
        CREATE TABLE file (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          boot TEXT NOT NULL,
          seen INTEGER NOT NULL,
          token INTEGER NOT NULL
        ) STRICT;
        INSERT INTO file VALUES (1, '', 0, 0);
        CREATE TABLE lease (
          name TEXT PRIMARY KEY,
          owner TEXT NOT NULL,
          token INTEGER NOT NULL,
          until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX lease_until ON lease (until);
        PRAGMA application_id = ${applicationId};
        PRAGMA user_version = ${version};
      `);
    }
    database.exec("COMMIT");
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

function createTables(database: DatabaseSync): LeaseTables {
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    // Tokens are larger than a double holds exactly.
    statement.setReadBigInts(true);
    return statement;
  };
  const readFile = prepare("SELECT boot, seen, token FROM file");
  const writeFile = prepare("UPDATE file SET boot = ?, seen = ?, token = ?");
  const readLease = prepare("SELECT owner, token, until FROM lease WHERE name = ?");
  const writeLease = prepare("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)");
  const removeLease = prepare("DELETE FROM lease WHERE name = ?");
  const removeUntil = prepare("DELETE FROM lease WHERE until <= ?");
  return {
    readFile() {
      const row = readFile.get() as { boot: string; seen: bigint; token: bigint };
      return { ...row, seen: Number(row.seen) };
    },
    writeFile: ({ boot, seen, token }) => void writeFile.run(boot, seen, token),
    readLease(name) {
      const row = readLease.get(name) as { owner: string; token: bigint; until: bigint } | undefined;
      return row && { ...row, until: Number(row.until) };
    },
    writeLease: (name, { owner, token, until }) => void writeLease.run(name, owner, token, until),
    removeLease: (name) => void removeLease.run(name),
    removeUntil: (instant) => void removeUntil.run(instant),
  };
}

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { isOutOfRoom } from "./failures.ts";
import type { LogRoom } from "./log-room.ts";

/**
 * The one connection to a store's file.
 *
 * I1. A transaction begins with the first change after a commit, and holds all that follow.
 * I2. What is not committed is rolled back whole.
 */
export interface Connection {
  readonly path: string;
  /** The most the file may grow to, in bytes. */
  readonly maxBytes: number | undefined;
  /** The database itself, for a backup. */
  readonly database: DatabaseSync;
  /** Whether changes wait for a commit. */
  readonly isWriting: boolean;
  /** Whether the file may soon have no room for more, as it was when the open transaction began. */
  readonly isTight: boolean;
  prepare(sql: string): StatementSync;
  /** Begins a transaction, where none is open. */
  begin(): void;
  /** Makes a change, in the open transaction. Answers how many rows it changed. */
  write(statement: StatementSync, ...values: readonly SQLInputValue[]): number;
  /** Makes what was changed last, as the durability says. */
  commit(): void;
  rollback(): void;
  close(): void;
}

/** A connection on an opened database. */
export function createConnection(
  { path, maxBytes }: Pick<Connection, "path" | "maxBytes">,
  database: DatabaseSync,
  room: LogRoom,
): Connection {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  let isWriting = false;
  const beginOnce = (): void => {
    if (isWriting) return;
    room.beforeTransaction();
    begin.run();
    isWriting = true;
  };
  return {
    path,
    maxBytes,
    database,
    get isWriting() {
      return isWriting;
    },
    get isTight() {
      return room.isTight;
    },
    begin: beginOnce,
    prepare: (sql) => database.prepare(sql),
    write(statement, ...values) {
      beginOnce();
      return Number(statement.run(...values).changes);
    },
    commit() {
      if (!isWriting) return;
      try {
        commit.run();
      } catch (error) {
        if (isOutOfRoom(error)) room.refused(error);
        throw error;
      }
      isWriting = false;
      room.committed();
    },
    rollback() {
      isWriting = false;
      // SQLite has rolled back by itself where it could not go on.
      if (database.isTransaction) database.exec("ROLLBACK");
    },
    close: () => database.close(),
  };
}

import { LanekeeperError, type Store } from "lanekeeper";
import { type Clock, systemClock } from "lanekeeper/ports";
import { backUp } from "./backup.ts";
import { type DatabaseFile, openDatabaseFile } from "./database-file.ts";
import { toOpeningError, toStoreError } from "./failures.ts";
import { createSqliteMailboxes, type SqliteMailboxes } from "./sqlite-mailboxes.ts";
import { SqliteState } from "./sqlite-state.ts";
import { storeLeases } from "./store-leases.ts";
import { checkOptions, type SqliteStoreOptions } from "./store-options.ts";

/** A store in a SQLite file. */
export interface SqliteStore extends Store {
  /**
   * Copies the store to a new file while a keeper has it and goes on. Rejects with `INVALID_OPTION` where there is a file of
   * that name or another backup makes it, `CLOSED` while no keeper has the store, or `STORE_UNAVAILABLE`.
   */
  backup(path: string): Promise<void>;
}

interface Opened {
  readonly file: DatabaseFile;
  readonly held: SqliteMailboxes;
}

/**
 * A durable store in one SQLite file, for one process at a time (`STORE_IN_USE` names who has it). The file is made when a
 * keeper first opens it. Throws `INVALID_OPTION`; opening it rejects with `STORE_IN_USE`, `STORE_INCOMPATIBLE` (a later
 * version's file, or not a store), `STORE_CORRUPT` or `STORE_UNAVAILABLE`.
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SqliteStore {
  const settings = checkOptions(path, options);
  let clock: Clock | undefined;
  let opened: Opened | undefined;
  const backups = new Set<Promise<void>>();
  const refuse = (advice: string): never => {
    throw new LanekeeperError("CLOSED", `No keeper has the store ${path} open. ${advice}`);
  };
  return {
    leases: storeLeases(
      () => clock ?? systemClock,
      async () =>
        (opened ?? refuse("Its leases are there while one has: create a keeper on it.")).held.reserve(),
    ),
    open(host) {
      if (opened !== undefined) {
        throw new LanekeeperError(
          "STORE_IN_USE",
          `Another keeper of this process has the store ${path} open. Close that keeper first, or give each a file of its own.`,
          { path, pid: process.pid },
        );
      }
      const file = openDatabaseFile(path, settings);
      try {
        const state = new SqliteState(file.connection, host, {
          isSameClock: host.clock === clock,
          memoryBytes: settings.memoryBytes,
        });
        const held = createSqliteMailboxes(file.connection, state);
        opened = { file, held };
        ({ clock } = host);
        return held.mailboxes;
      } catch (error) {
        file.close();
        throw toOpeningError(path, error);
      }
    },
    async close() {
      const closing = opened;
      if (closing === undefined) return;
      closing.held.giveBack();
      await Promise.allSettled(backups);
      if (opened !== closing) return;
      opened = undefined;
      closing.held.end();
      try {
        closing.file.close();
      } catch (error) {
        throw toStoreError(path, error);
      }
    },
    async backup(target) {
      const { file, held } = opened ?? refuse("A store at rest is one file: copy that.");
      const copying = backUp(file.connection, held.group, target);
      backups.add(copying);
      try {
        await copying;
      } catch (error) {
        throw toStoreError(target, error);
      } finally {
        backups.delete(copying);
      }
    },
  };
}

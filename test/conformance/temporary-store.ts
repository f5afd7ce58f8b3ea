import { type SqliteStore, sqliteStore, type SqliteStoreOptions } from "@lanekeeper/sqlite";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Where the system has a file system in memory: most tests ask what a store does, not how fast the disk is. */
const inMemory = "/dev/shm";

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(existsSync(inMemory) ? inMemory : tmpdir(), "lanekeeper-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new store in a file, which is removed when the test is over. */
export function temporaryStore(options?: SqliteStoreOptions): SqliteStore {
  const store = sqliteStore(join(temporaryFolder(), "store.db"), options);
  onTestFinished(() => store.close());
  return store;
}

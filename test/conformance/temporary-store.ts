import { type SqliteStore, sqliteStore, type SqliteStoreOptions } from "@lanekeeper/sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new store in a file, which is removed when the test is over. */
export function temporaryStore(options?: SqliteStoreOptions): SqliteStore {
  const store = sqliteStore(join(temporaryFolder(), "store.db"), options);
  onTestFinished(() => store.close());
  return store;
}

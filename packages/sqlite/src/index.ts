/** A durable store for Lanekeeper: one SQLite file, one process. */
export { type SqliteStore, sqliteStore } from "./sqlite-store.ts";
export type { SqliteStoreOptions } from "./store-options.ts";

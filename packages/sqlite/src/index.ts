/** A durable store for Lanekeeper: one SQLite file, one process; and leases in a file that many processes share. */
export { type BootClock, machineBootClock } from "./leases/boot-clock.ts";
export { sqliteLeases, type SqliteLeasesOptions } from "./leases/sqlite-leases.ts";
export { type SqliteStore, sqliteStore } from "./sqlite-store.ts";
export type { SqliteStoreOptions } from "./store-options.ts";

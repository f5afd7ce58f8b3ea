import { memoryStore } from "lanekeeper/ports";
import { laterStore } from "./later-store.ts";
import { describeMailboxStore } from "./mailbox-store-conformance.ts";
import { temporaryStore } from "./temporary-store.ts";

describeMailboxStore("memory", () => memoryStore());
describeMailboxStore("memory, answering later", () => laterStore());
describeMailboxStore("SQLite", () => temporaryStore());
describeMailboxStore("SQLite, with no room in memory", () => temporaryStore({ memoryBytes: 0 }));
describeMailboxStore("SQLite, with little room in memory", () => temporaryStore({ memoryBytes: 3_000 }));
describeMailboxStore("SQLite, where space is short", () => temporaryStore({ maxBytes: 8 * 1_048_576 }));

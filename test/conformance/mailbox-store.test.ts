import { memoryStore } from "lanekeeper/ports";
import { laterStore } from "./later-store.ts";
import { describeMailboxStore } from "./mailbox-store-conformance.ts";
import { temporaryStore } from "./temporary-store.ts";

describeMailboxStore("memory", () => memoryStore());
describeMailboxStore("memory, answering later", () => laterStore());
describeMailboxStore("SQLite", () => temporaryStore());
describeMailboxStore("SQLite, with no room in memory", () => temporaryStore({ memoryBytes: 0 }));

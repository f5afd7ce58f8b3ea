import { memoryStore } from "lanekeeper/ports";
import { laterStore } from "./later-store.ts";
import { describeMailboxStore } from "./mailbox-store-conformance.ts";

describeMailboxStore("memory", () => memoryStore());
describeMailboxStore("memory, answering later", () => laterStore());

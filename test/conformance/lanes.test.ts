import { memoryStore } from "lanekeeper/ports";
import { describeLanes } from "./lanes-conformance.ts";
import { laterStore } from "./later-store.ts";
import { temporaryStore } from "./temporary-store.ts";

describeLanes("memory", () => memoryStore());
describeLanes("memory, answering later", () => laterStore());
describeLanes("SQLite", () => temporaryStore());

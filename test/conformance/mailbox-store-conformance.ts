import { describe } from "vitest";
import { claimAppending } from "./mailbox-store-appending.ts";
import { claimExecutions } from "./mailbox-store-executions.ts";
import type { CreateStore } from "./mailbox-store-fixture.ts";
import { claimForgetting } from "./mailbox-store-forgetting.ts";
import { claimHeartbeats } from "./mailbox-store-heartbeats.ts";
import { claimKeeping } from "./mailbox-store-keeping.ts";
import { claimRestarts } from "./mailbox-store-restarts.ts";
import { claimSessions } from "./mailbox-store-sessions.ts";
import { claimSettling } from "./mailbox-store-settling.ts";
import { claimTurns } from "./mailbox-store-turns.ts";

/** What every mailbox store keeps to, whether it answers at once or later (the port's I1–I5). */
export function describeMailboxStore(name: string, createStore: CreateStore): void {
  describe(`mailbox store: ${name}`, () => {
    claimAppending(createStore);
    claimTurns(createStore);
    claimSettling(createStore);
    claimRestarts(createStore);
    claimExecutions(createStore);
    claimSessions(createStore);
    claimForgetting(createStore);
    claimHeartbeats(createStore);
    claimKeeping(createStore);
  });
}

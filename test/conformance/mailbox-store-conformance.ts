import { describe } from "vitest";
import { claimAbandoned } from "./mailbox-store-abandoned.ts";
import { claimAppending } from "./mailbox-store-appending.ts";
import { claimBatches } from "./mailbox-store-batches.ts";
import { claimExecutions } from "./mailbox-store-executions.ts";
import type { CreateStore } from "./mailbox-store-fixture.ts";
import { claimForgettingSessions } from "./mailbox-store-forgetting-sessions.ts";
import { claimForgetting } from "./mailbox-store-forgetting.ts";
import { claimHeartbeats } from "./mailbox-store-heartbeats.ts";
import { claimInterrupts } from "./mailbox-store-interrupts.ts";
import { claimKeeping } from "./mailbox-store-keeping.ts";
import { claimOverflow } from "./mailbox-store-overflow.ts";
import { claimRedriving } from "./mailbox-store-redriving.ts";
import { claimRestarts } from "./mailbox-store-restarts.ts";
import { claimSessions } from "./mailbox-store-sessions.ts";
import { claimSettling } from "./mailbox-store-settling.ts";
import { claimSteering } from "./mailbox-store-steering.ts";
import { claimSummary } from "./mailbox-store-summary.ts";
import { claimTakenSteering } from "./mailbox-store-taken-steering.ts";
import { claimTurns } from "./mailbox-store-turns.ts";

/** What every mailbox store keeps to, whether it answers at once or later (the port's I1–I5). */
export function describeMailboxStore(name: string, createStore: CreateStore): void {
  describe(`mailbox store: ${name}`, () => {
    claimAppending(createStore);
    claimSummary(createStore);
    claimOverflow(createStore);
    claimBatches(createStore);
    claimInterrupts(createStore);
    claimSteering(createStore);
    claimTakenSteering(createStore);
    claimTurns(createStore);
    claimSettling(createStore);
    claimRestarts(createStore);
    claimRedriving(createStore);
    claimExecutions(createStore);
    claimSessions(createStore);
    claimForgetting(createStore);
    claimHeartbeats(createStore);
    claimForgettingSessions(createStore);
    claimAbandoned(createStore);
    claimKeeping(createStore);
  });
}

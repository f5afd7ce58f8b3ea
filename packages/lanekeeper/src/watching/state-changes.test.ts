import { expect, test } from "vitest";
import { createFixture } from "../rules/fixture.ts";
import { type StateChange, stateChanges } from "./state-changes.ts";

test("tells each change between the four states, from which to which, and no step within one", async () => {
  const { keeper, clock, turns, of } = await createFixture({
    lane: { stallAfterMs: 1_000, reclaimAfterMs: 2_000, abortGraceMs: 500, turnTimeoutMs: 60_000 },
  });
  const at = clock.now();
  const changes: StateChange[] = [];
  keeper.events$.pipe(stateChanges()).subscribe((change) => changes.push(change));
  await keeper.send("a", 1);
  await clock.advance(5_000);
  expect(changes).toEqual([
    { at, sessionKey: "a", from: "idle", to: "busy", detail: "busy.waitingForCapacity" },
    { at: at + 1_000, sessionKey: "a", from: "busy", to: "stalled", detail: "stalled.running" },
    { at: at + 2_500, sessionKey: "a", from: "stalled", to: "reclaimed", detail: "reclaimed.settling" },
    { at: at + 2_500, sessionKey: "a", from: "reclaimed", to: "idle", detail: "idle" },
  ]);
  expect(turns).toHaveLength(1);
  expect(of("lane.state").length).toBeGreaterThan(changes.length);
});

test("tells of every session", async () => {
  const { keeper, clock } = await createFixture();
  const busy: string[] = [];
  keeper.events$.pipe(stateChanges()).subscribe(({ sessionKey, to }) => busy.push(`${sessionKey} ${to}`));
  await keeper.send("a", 1);
  await keeper.send("b", 1);
  await clock.settle();
  expect(busy).toEqual(["a busy", "b busy"]);
});

test("a subscriber behind it that throws is logged and changes nothing", async () => {
  const { keeper, clock, logs, of } = await createFixture();
  const error = new Error("broken");
  keeper.events$.pipe(stateChanges()).subscribe(() => {
    throw error;
  });
  await keeper.send("a", 1);
  await clock.settle();
  expect(logs).toMatchObject([{ level: "error", fields: { place: "a subscriber of events$", error } }]);
  expect(of("turn.started")).toHaveLength(1);
});

import { describe, expect, it } from "vitest";
import type { Priority } from "../dispatch/priority.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import { bodies, createFixture, type Fixture, type HeldTurn } from "./fixture.ts";

/** Every flood's turns last this long: with one slot it is what a release takes at most. */
const turnMs = 1_000;

/** Sessions of agents that always have work: each sends its next message when it has been run. */
function flood(keeper: Lanekeeper, sessionKeys: readonly string[], priority: Priority): { stop(): void } {
  const traffic = { isOn: true };
  const again = async (sessionKey: string): Promise<void> => {
    while (traffic.isOn) {
      const { outcome } = await keeper.send(sessionKey, 1, { priority });
      await outcome;
    }
  };
  for (const sessionKey of sessionKeys) void again(sessionKey).catch(() => {});
  return { stop: () => void (traffic.isOn = false) };
}

/** A keeper with one slot whose turns take a second. */
function createTimed(clock: SimulatedClock, turns = 1): Promise<Fixture> {
  return createFixture({
    clock,
    capacity: { turns },
    turn: () => new Promise<void>((resolve) => void clock.setTimeout(resolve, turnMs)),
  });
}

/** How long after this moment the next turn of a session starts, in milliseconds. */
async function startDelay({ clock, of }: Fixture, sessionKey: string, mostMs: number): Promise<number> {
  const since = clock.now();
  const before = of("turn.started").length;
  for (let waitedMs = 0; waitedMs <= mostMs; waitedMs += 500) {
    const found = of("turn.started")
      .slice(before)
      .find((event) => event.sessionKey === sessionKey);
    if (found !== undefined) return found.at - since;
    await clock.advance(500);
  }
  return Infinity;
}

/** A keeper whose only slot is held, so that everything else waits. */
async function withHolder(): Promise<Fixture & { readonly release: () => Promise<void> }> {
  const fixture: Fixture = await createFixture({
    capacity: { turns: 1 },
    agentOf: (sessionKey) => sessionKey,
  });
  await fixture.keeper.send("holder", 1);
  await fixture.clock.settle();
  return {
    ...fixture,
    async release() {
      (fixture.turns.at(-1) as HeldTurn).resolve("done");
      await fixture.clock.settle();
    },
  };
}

/** Ends turns until nothing waits; the sessions, in the order in which they ran. */
async function runAll({ turns, clock }: Pick<Fixture, "turns" | "clock">): Promise<readonly string[]> {
  for (let ended = 0; ended < turns.length; ended++) {
    turns[ended]!.resolve("done");
    await clock.settle();
  }
  return turns.slice(1).map(({ turn }) => turn.sessionKey);
}

describe("priorities", () => {
  it("B14 the highest goes first: messages foreground, events and wakes normal, or as given", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    await keeper.send("background", 1, { priority: "background" });
    keeper.wake("background wake", { coalesceMs: 0, priority: "background" });
    await keeper.notify("event", { kind: "note" });
    keeper.wake("wake", { coalesceMs: 0 });
    await keeper.send("normal", 1, { priority: "normal" });
    await keeper.send("message", 1);
    await keeper.notify("urgent event", { kind: "note" }, { priority: "foreground" });
    keeper.wake("urgent wake", { coalesceMs: 0, priority: "foreground" });
    await clock.settle();
    await expect(runAll(fixture)).resolves.toEqual([
      "message",
      "urgent event",
      "urgent wake",
      "event",
      "wake",
      "normal",
      "background",
      "background wake",
    ]);
  });

  it("B14 background work starts within 30 s and one release under a flood of other agents' foreground work", async () => {
    const clock = createSimulatedClock();
    const fixture = await createTimed(clock);
    const { keeper } = fixture;
    const others = ["x", "y", "z"].flatMap((agent) => [1, 2, 3].map((n) => `agent:${agent}:${n}`));
    const traffic = flood(keeper, others, "foreground");
    await clock.advance(5_300);
    await keeper.send("agent:quiet:1", 1, { priority: "background" });
    const delayMs = await startDelay(fixture, "agent:quiet:1", 60_000);
    expect(delayMs).toBeGreaterThanOrEqual(30_000);
    expect(delayMs).toBeLessThanOrEqual(30_000 + turnMs);
    traffic.stop();
  });

  it("B14 normal work likewise, within 15 s and one release", async () => {
    const clock = createSimulatedClock();
    const fixture = await createTimed(clock);
    const { keeper } = fixture;
    const traffic = flood(keeper, ["agent:x:1", "agent:x:2", "agent:y:1"], "foreground");
    await clock.advance(2_700);
    await keeper.notify("agent:quiet:1", { kind: "note" });
    const delayMs = await startDelay(fixture, "agent:quiet:1", 60_000);
    expect(delayMs).toBeGreaterThanOrEqual(15_000);
    expect(delayMs).toBeLessThanOrEqual(15_000 + turnMs);
    traffic.stop();
  });

  it("B14 an agent that was given a slot lately waits for the others' turns besides: one release for each", async () => {
    const clock = createSimulatedClock();
    const fixture = await createTimed(clock);
    const { keeper } = fixture;
    const others = ["w", "x", "y", "z"].map((agent) => `agent:${agent}:1`);
    const traffic = flood(keeper, [...others, "agent:own:1"], "foreground");
    await clock.advance(4_400);
    await keeper.send("agent:own:2", 1, { priority: "background" });
    const delayMs = await startDelay(fixture, "agent:own:2", 90_000);
    expect(delayMs).toBeGreaterThanOrEqual(30_000);
    expect(delayMs).toBeLessThanOrEqual(30_000 + turnMs * (others.length + 1));
    traffic.stop();
  });

  it("B14 bounds hold with several slots, and for each of many background lanes of one agent in their order", async () => {
    const clock = createSimulatedClock();
    const fixture = await createTimed(clock, 3);
    const { keeper, of } = fixture;
    const others = Array.from({ length: 12 }, (_, index) => `agent:${index % 4}:${index}`);
    const traffic = flood(keeper, others, "foreground");
    await clock.advance(2_000);
    const quiet = Array.from({ length: 5 }, (_, index) => `agent:quiet:${index}`);
    const since = clock.now();
    for (const key of quiet) await keeper.send(key, 1, { priority: "background" });
    await clock.advance(60_000);
    traffic.stop();
    const starts = of("turn.started").filter(({ sessionKey }) => quiet.includes(sessionKey));
    expect(starts.map(({ sessionKey }) => sessionKey)).toEqual(quiet);
    // Five agents share three releases a second: each gets one within two.
    for (const [index, { at }] of starts.entries()) {
      expect(at - since).toBeLessThanOrEqual(30_000 + 2 * turnMs * (index + 1));
    }
  });

  it("B14 a lane whose waiting work becomes more urgent is judged anew, and keeps the time it has waited", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    await keeper.notify("a", { kind: "note" }, { priority: "background" });
    await clock.advance(100);
    await keeper.send("b", 1);
    await clock.advance(100);
    await keeper.send("a", "urgent");
    await clock.settle();
    expect(keeper.explain("a").facts["priority"]).toBe("foreground");
    await fixture.release();
    expect(fixture.turns[1]!.turn).toMatchObject({ sessionKey: "a", events: [{ kind: "note" }] });
  });

  it("B14 a lane whose urgent work is withdrawn is judged by what is left", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    await keeper.notify("a", { kind: "note" }, { priority: "background" });
    const urgent = await keeper.send("a", "urgent");
    await keeper.notify("b", { kind: "note" });
    await clock.settle();
    await urgent.cancel();
    await clock.settle();
    expect(keeper.explain("a").facts["priority"]).toBe("background");
    await expect(runAll(fixture)).resolves.toEqual(["b", "a"]);
  });

  it("B14 waiting goes on to raise a lane whose work changes", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    await keeper.notify("a", { kind: "one" }, { priority: "background" });
    for (let second = 0; second < 30; second++) {
      await clock.advance(1_000);
      await keeper.notify("a", { kind: `${second}` }, { priority: "background" });
    }
    await keeper.send("b", 1);
    await clock.settle();
    await expect(runAll(fixture)).resolves.toEqual(["a", "b"]);
  });

  it("B14 waiting raises by a step each 15 s and no further than foreground", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    await keeper.send("old background", 1, { priority: "background" });
    await clock.advance(14_999);
    await keeper.send("fresh normal", 1, { priority: "normal" });
    await fixture.release();
    expect(fixture.turns[1]!.turn.sessionKey).toBe("fresh normal");
    await clock.advance(1);
    await keeper.send("fresher normal", 1, { priority: "normal" });
    await fixture.release();
    expect(fixture.turns[2]!.turn.sessionKey).toBe("old background");

    await keeper.send("first", 1);
    await clock.advance(600_000 - 1);
    await keeper.send("second", 1);
    await fixture.release();
    expect(fixture.turns[3]!.turn.sessionKey).toBe("fresher normal");
    await expect(runAll(fixture)).resolves.toEqual([
      "fresh normal",
      "old background",
      "fresher normal",
      "first",
      "second",
    ]);
  });

  it("B14 a turn that waits again after it has run has waited for nothing yet", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    for (const body of [1, 2]) await keeper.send("a", body, { priority: "background" });
    await clock.advance(100_000);
    await fixture.release();
    await keeper.notify("b", { kind: "note" });
    await clock.settle();
    await expect(runAll(fixture)).resolves.toEqual(["a", "b", "a"]);
  });

  it("B14 a wake raised while it waits raises its lane; a lower one does not bring it down", async () => {
    const fixture = await withHolder();
    const { keeper, clock, of } = fixture;
    keeper.wake("a", { coalesceMs: 0, priority: "background" });
    await keeper.notify("b", { kind: "note" });
    await clock.settle();
    keeper.wake("a", { coalesceMs: 0, priority: "foreground" });
    keeper.wake("a", { coalesceMs: 0, priority: "background" });
    await clock.settle();
    expect(of("wake.merged").map(({ priority }) => priority)).toEqual(["foreground", "foreground"]);
    expect(keeper.explain("a").facts["priority"]).toBe("foreground");
    await expect(runAll(fixture)).resolves.toEqual(["a", "b"]);
  });

  it("B14 a wake counts beside the work that waits, whichever came first", async () => {
    const fixture = await withHolder();
    const { keeper, clock } = fixture;
    await keeper.send("a", 1, { priority: "background" });
    keeper.wake("a", { coalesceMs: 0, priority: "normal" });
    keeper.wake("b", { coalesceMs: 0, priority: "normal" });
    await keeper.send("b", 1, { priority: "background" });
    await keeper.notify("c", { kind: "quiet" }, { wake: false, priority: "foreground" });
    keeper.wake("c", { coalesceMs: 0, priority: "background" });
    await clock.settle();
    await expect(runAll(fixture)).resolves.toEqual(["c", "a", "b"]);
  });

  it("B3 priority reorders nothing within a session", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    await keeper.pause("a");
    for (const priority of ["background", "normal", "foreground"] as const)
      await keeper.send("a", priority, { priority });
    await keeper.resume("a");
    for (let index = 0; index < 3; index++) {
      await clock.settle();
      turns[index]!.resolve("done");
    }
    expect(turns.map(({ turn }) => bodies(turn)[0])).toEqual(["background", "normal", "foreground"]);
  });
});

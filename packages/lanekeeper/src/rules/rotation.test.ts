import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { bodies, createFixture, type Fixture } from "./fixture.ts";

/** Ends the running turns, oldest first, one at a time, until none is left. */
async function runAll({ turns, clock }: Pick<Fixture, "turns" | "clock">): Promise<readonly string[]> {
  await clock.settle();
  for (let ended = 0; ended < turns.length; ended++) {
    turns[ended]!.resolve("done");
    await clock.settle();
  }
  return turns.map(({ turn }) => turn.sessionKey);
}

describe("rotation", () => {
  it.each([1, 3])(
    "B15 an agent with 1,000 waiting sessions delays another's first turn by one turn of its own at most, on %i slots",
    async (slots) => {
      const { keeper, clock, turns } = await createFixture({ capacity: { turns: slots } });
      for (let index = 0; index < 1_000; index++) await keeper.send(`agent:busy:${index}`, index);
      await clock.settle();
      for (let released = 0; released < 20; released++) {
        turns[released]!.resolve("done");
        await clock.settle();
      }
      await keeper.send("agent:other:1", "first");
      await clock.settle();
      expect(keeper.explain("agent:other:1").blockedBy).toBe("capacity");
      turns[20]!.resolve("done");
      await clock.settle();
      expect(turns.at(-1)!.turn.sessionKey).toBe("agent:other:1");
    },
  );

  it("B15 the agent that was given a slot longest ago goes first, within it the lane that waited longest", async () => {
    const fixture = await createFixture({ capacity: { turns: 1 } });
    const { keeper, clock } = fixture;
    for (const key of ["a:1", "a:2", "a:3", "b:1", "a:4", "b:2", "c:1"]) {
      await keeper.send(`agent:${key}`, 1);
      await clock.advance(10);
    }
    await expect(runAll(fixture)).resolves.toEqual(
      ["a:1", "b:1", "c:1", "a:2", "b:2", "a:3", "a:4"].map((key) => `agent:${key}`),
    );
  });

  it("B15 no agent waits for ever for agents that come for the first time", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    for (const key of ["agent:old:1", "agent:odd:1", "agent:old:2"]) await keeper.send(key, 1);
    await clock.settle();
    for (let index = 0; index < 10; index++) {
      for (const session of [1, 2]) await keeper.send(`agent:new ${index}:${session}`, 1);
      turns.at(-1)!.resolve("done");
      await clock.settle();
    }
    const order = turns.map(({ turn }) => turn.sessionKey);
    expect(order.slice(0, 4)).toEqual(["agent:old:1", "agent:odd:1", "agent:new 0:1", "agent:old:2"]);
  });

  it("B15 an agent that had no work for long goes before those that had slots meanwhile", async () => {
    const fixture = await createFixture({ capacity: { turns: 1 } });
    const { keeper, clock, turns } = fixture;
    await keeper.send("agent:quiet:1", 1);
    await clock.settle();
    turns[0]!.resolve("done");
    await clock.advance(100_000);
    for (const key of ["x:1", "y:1", "x:2", "y:2"]) await keeper.send(`agent:${key}`, 1);
    await clock.settle();
    turns[1]!.resolve("done");
    await clock.settle();
    await keeper.send("agent:quiet:2", 1);
    await expect(runAll(fixture)).resolves.toEqual(
      ["quiet:1", "x:1", "y:1", "quiet:2", "x:2", "y:2"].map((key) => `agent:${key}`),
    );
  });

  it("B15 a session with much to do takes its turn behind those of its agent that wait longer", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    for (const body of [1, 2, 3]) await keeper.send("busy", body);
    for (const key of ["x", "y"]) await keeper.send(key, key);
    for (let index = 0; index < 5; index++) {
      await clock.settle();
      turns[index]!.resolve("done");
    }
    await clock.settle();
    expect(turns.map(({ turn }) => bodies(turn)[0])).toEqual([1, "x", "y", 2, 3]);
  });

  it("B15 agents take turns within a priority only: a more urgent lane of a busy agent goes first", async () => {
    const fixture = await createFixture({ capacity: { turns: 1 } });
    const { keeper, clock } = fixture;
    await keeper.send("agent:a:1", 1);
    await clock.settle();
    await keeper.notify("agent:b:1", { kind: "note" });
    await keeper.send("agent:a:2", 1);
    await keeper.notify("agent:a:3", { kind: "note" });
    await expect(runAll(fixture)).resolves.toEqual(["agent:a:1", "agent:a:2", "agent:b:1", "agent:a:3"]);
  });

  it("B15 a borrowed slot is nobody's turn: neither the borrower's agent's nor the lender's", async () => {
    const order: string[] = [];
    const clock = createSimulatedClock();
    const { keeper } = await createFixture({
      clock,
      capacity: { turns: 1 },
      turn: async ({ sessionKey, messages }) => {
        order.push(sessionKey);
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 100));
        if (messages[0]!.body !== "ask") return;
        for (const child of [1, 2, 3]) await (await keeper.send("agent:child:1", child)).reply();
      },
    });
    await keeper.send("agent:y:1", 1);
    await clock.advance(100);
    await keeper.send("agent:x:1", "ask");
    for (const key of ["y:2", "child:2", "x:2"]) await keeper.send(`agent:${key}`, 1);
    await clock.advance(1_000);
    // The child's agent came after y had the last slot but one, and before x gave back the last.
    const children = ["child:1", "child:1", "child:1"];
    expect(order).toEqual(["y:1", "x:1", ...children, "y:2", "child:2", "x:2"].map((key) => `agent:${key}`));
  });

  it("B15 agentOf says whose turn it is; where it fails the default does", async () => {
    const { keeper, clock, turns } = await createFixture({
      capacity: { turns: 1 },
      agentOf: (sessionKey) => {
        if (sessionKey.startsWith("agent:")) throw new Error("no idea");
        return sessionKey[0]!;
      },
    });
    for (const key of ["a1", "a2", "b1", "agent:a:1"]) await keeper.send(key, 1);
    await expect(runAll({ turns, clock })).resolves.toEqual(["a1", "b1", "a2", "agent:a:1"]);
    expect(turns.map(({ turn }) => turn.agent)).toEqual(["a", "b", "a", "a"]);
  });

  it("B15 in any load no agent that waits is passed over by another twice", async () => {
    const agents = 5;
    const arrival = fc.record({
      agent: fc.oneof(
        { weight: 6, arbitrary: fc.constant(0) },
        { weight: 5, arbitrary: fc.nat({ max: agents - 1 }) },
      ),
      session: fc.nat({ max: 7 }),
      lastsMs: fc.integer({ min: 1, max: 900 }),
      afterMs: fc.constantFrom(0, 0, 0, 50, 400),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(arrival, { minLength: 30, maxLength: 100 }),
        async (slots, arrivals) => {
          const clock = createSimulatedClock();
          /** For each agent that waits, how often each other agent was given a slot since it began to. */
          const passed = new Map<string, Map<string, number>>();
          const { keeper } = await createFixture({
            clock,
            capacity: { turns: slots },
            lane: { cap: 1_000 },
            turn: ({ messages }) =>
              new Promise<void>((resolve) => void clock.setTimeout(resolve, messages[0]!.body as number)),
          });
          const waits = (agent: string): boolean =>
            Array.from({ length: 8 }, (_, session) => keeper.explain(`agent:${agent}:${session}`)).some(
              ({ blockedBy }) => blockedBy === "capacity",
            );
          keeper.events$.subscribe((event) => {
            if (event.type !== "turn.started") return;
            const [, given] = event.sessionKey.split(":") as [string, string];
            passed.delete(given);
            for (let index = 0; index < agents; index++) {
              const agent = `${index}`;
              if (agent === given) continue;
              if (!waits(agent)) {
                passed.delete(agent);
                continue;
              }
              const counts = passed.get(agent) ?? new Map<string, number>();
              passed.set(agent, counts);
              counts.set(given, (counts.get(given) ?? 0) + 1);
            }
          });
          for (const { agent, session, lastsMs, afterMs } of arrivals) {
            await keeper.send(`agent:${agent}:${session}`, lastsMs);
            await clock.advance(afterMs);
            // A slot granted in the step in which it came to wait says nothing: two is one grant before and one after.
            for (const counts of passed.values())
              for (const times of counts.values()) expect(times).toBeLessThan(3);
          }
          await clock.advance(200_000);
          expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
          await keeper.close();
        },
      ),
      { numRuns: 12 },
    );
  });
});

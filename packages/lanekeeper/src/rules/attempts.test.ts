import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { Turn } from "../turns/turn.ts";
import {
  type Accepted,
  type Bounds,
  type Deed,
  deeds,
  expectedEnd,
  poisonInLastAttempts,
  type Ran,
} from "./attempt-ends.ts";
import { createFixture, type Fixture } from "./fixture.ts";

const pause = (clock: SimulatedClock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimeout(resolve, ms));
const told = ({ signal }: Turn): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason), { once: true }));

/** A keeper whose turns do one deed after the other, for ever; and what they held. */
interface Doer extends Fixture {
  readonly ran: readonly Ran[];
  readonly accepted: Accepted[];
  /** From now on what was to be interrupted or reset completes. */
  calmDown(): void;
}

async function createDoer(plan: readonly Deed[], { attempts, maxReclaims }: Bounds): Promise<Doer> {
  let isCalm = false;
  const clock = createSimulatedClock();
  const ran: Ran[] = [];
  const accepted: Accepted[] = [];
  const fixture: Fixture = await createFixture({
    clock,
    capacity: { turns: 1 },
    lane: {
      stallAfterMs: 100,
      reclaimAfterMs: 300,
      abortGraceMs: 100,
      cap: 1_000,
      maxReclaims,
      retry: { attempts, baseMs: 50, maxMs: 200 },
    },
    turn: async (turn) => {
      const next = plan[ran.length % plan.length]!;
      const deed = isCalm && (next === "is interrupted" || next === "is reset") ? "completes" : next;
      ran.push({ turn, deed });
      const { sessionKey } = turn;
      switch (deed) {
        case "completes":
          await pause(clock, 20);
          return turn.id;
        case "fails":
          await pause(clock, 20);
          throw new Error(`failed ${turn.id}`);
        case "gives up":
          throw new PermanentError(`failed ${turn.id}`);
        case "hangs":
          return new Promise(() => {});
        case "rejects when told":
          throw await told(turn);
        case "replies when told":
          await told(turn);
          return turn.id;
        case "is aborted":
          void pause(clock, 20).then(() => keeper.abort(sessionKey));
          return told(turn);
        case "is aborted in its grace":
          await told(turn);
          void keeper.abort(sessionKey);
          return pause(clock, 50);
        case "is interrupted": {
          const receipt = await keeper.send(sessionKey, "stop", { mode: "interrupt" });
          accepted.push({ type: "message", receipt });
          return told(turn);
        }
        case "is reset":
          void keeper.reset(sessionKey);
          return told(turn);
      }
    },
  });
  const { keeper } = fixture;
  return { ...fixture, ran, accepted, calmDown: () => void (isCalm = true) };
}

const work = fc.record({
  session: fc.constantFrom("a", "b"),
  kind: fc.constantFrom(
    "message" as const,
    "event" as const,
    "event" as const,
    "quiet" as const,
    "wake" as const,
  ),
  afterMs: fc.constantFrom(0, 0, 30, 150, 700),
});
const bounds = fc.record({ attempts: fc.integer({ min: 1, max: 4 }), maxReclaims: fc.nat({ max: 2 }) });

interface Case {
  readonly bounds: Bounds;
  readonly plan: readonly Deed[];
  readonly load: readonly {
    readonly session: string;
    readonly kind: "message" | "event" | "quiet" | "wake";
    readonly afterMs: number;
  }[];
}
const cases = (besides: Deed): fc.Arbitrary<Case> =>
  fc.record({
    bounds,
    plan: fc
      .array(fc.constantFrom<Deed>(...deeds, "fails", "fails", besides), { minLength: 2, maxLength: 12 })
      .filter((plan) => plan.some((deed) => deed !== besides)),
    load: fc.array(work, { minLength: 3, maxLength: 15 }),
  });

/** Accepts all the work and waits until none is left. */
async function run({ bounds: bound, plan, load }: Case): Promise<Doer> {
  const doer = await createDoer(plan, bound);
  const { keeper, clock, accepted } = doer;
  for (const { session, kind, afterMs } of load) {
    if (kind === "message") accepted.push({ type: "message", receipt: await keeper.send(session, 1) });
    else if (kind === "wake") keeper.wake(session, { coalesceMs: 10 });
    else {
      const receipt = await keeper.notify(session, { kind }, { wake: kind === "event" });
      accepted.push({ type: "event", receipt });
    }
    await clock.advance(afterMs);
  }
  doer.calmDown();
  // What waits quietly is taken along by wakes, which are tried as often as other work.
  for (let round = 0; keeper.stats().waiting + keeper.stats().running > 0; round++) {
    expect(round).toBeLessThan(200);
    for (const session of ["a", "b"]) {
      if ((await keeper.mailbox(session)).length > 0) keeper.wake(session, { coalesceMs: 0 });
    }
    await clock.advance(1_000);
  }
  return doer;
}

describe("attempts", () => {
  it.each([
    ["interrupts", "is interrupted" as const],
    ["resets", "is reset" as const],
  ])(
    "B31a under random failures, hangs, aborts and %s every item is tried as often as it may be, and ends as its last turn did",
    async (_, besides) => {
      await fc.assert(
        fc.asyncProperty(cases(besides), async (given) => {
          const { keeper, ran, accepted, of } = await run(given);
          const letters = await keeper.deadLetters({ limit: 1_000 });
          for (const item of accepted) {
            const { id } = item.receipt;
            const expected = expectedEnd(item, ran, given.bounds);
            const outcome: Outcome = await item.receipt.outcome;
            expect(outcome).toEqual(expected.outcome);
            const held = ran.filter(({ turn }) => turn.messages.some((message) => message.id === id));
            // An event's turn counts the attempts of the oldest of its events, not of each.
            expect(
              item.type === "message" ? held.map(({ turn }) => turn.attempt) : expected.attempts,
            ).toEqual(expected.attempts);
            const own = letters.filter(({ items }) => items[0]!.id === id);
            expect(own.map(({ reason, attempts }) => ({ reason, attempts, id }))).toEqual(
              expected.letter === undefined ? [] : [expected.letter],
            );
            const named = "deadLetterId" in outcome ? outcome.deadLetterId : own[0]?.id;
            expect(own[0]?.id).toBe(named);
          }
          const ids = new Set<unknown>(accepted.map(({ receipt: { id } }) => id));
          expect(letters.every(({ items }) => ids.has(items[0]!.id))).toBe(true);
          expect(of("deadLetter.added").map(({ id }) => id)).toEqual(
            letters.map(({ id }) => id).toReversed(),
          );
          await keeper.close();
        }),
        { numRuns: 80 },
      );
    },
  );

  it("B31a in any history a message's last attempt runs without the events that failed with it before", async () => {
    await fc.assert(
      fc.asyncProperty(cases("is interrupted"), async (given) => {
        const { keeper, ran } = await run(given);
        expect(poisonInLastAttempts(ran, given.bounds)).toEqual([]);
        await keeper.close();
      }),
      { numRuns: 80 },
    );
  });

  it("B31a a message's last attempt runs without what failed with it before, also if another turn held that since", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { retry: { attempts: 3, baseMs: 1_000 } } });
    await keeper.send("a", "message");
    await clock.settle();
    turns[0]!.reject(new Error("alone"));
    await keeper.notify("a", { kind: "poison" });
    await clock.advance(1_000);
    turns[1]!.reject(new Error("together"));
    await clock.settle();
    await keeper.send("a", "interrupts", { mode: "interrupt" });
    await clock.settle();
    expect(turns[2]!.turn).toMatchObject({
      messages: [{ body: "interrupts" }],
      events: [{ kind: "poison" }],
    });
    turns[2]!.reject(new PermanentError("together again"));
    await clock.advance(2_000);
    expect(turns[3]!.turn).toMatchObject({ messages: [{ body: "message" }], attempt: 3, events: [] });
  });

  it("B31a a message's last attempt runs without what failed with it before, also if it was reclaimed since", async () => {
    const plan: readonly Deed[] = ["fails", "hangs", "completes"];
    const { keeper, clock, ran } = await createDoer(plan, { attempts: 2, maxReclaims: 1 });
    await keeper.pause("a");
    await keeper.notify("a", { kind: "poison" });
    await keeper.send("a", "message");
    await keeper.resume("a");
    await clock.advance(1_000);
    expect(ran.map(({ turn }) => turn.events.map(({ kind }) => kind)).slice(0, 3)).toEqual([
      ["poison"],
      [],
      [],
    ]);
  });

  it("B30 reclaims and failures of a message are counted apart, and each against its own bound", async () => {
    const plan: readonly Deed[] = ["hangs", "fails", "hangs", "fails", "completes"];
    const { keeper, clock, ran } = await createDoer(plan, { attempts: 3, maxReclaims: 2 });
    const receipt = await keeper.send("a", 1);
    await clock.advance(10_000);
    expect(ran.map(({ turn }) => turn.attempt)).toEqual([1, 2, 3, 4, 5]);
    await expect(receipt.outcome).resolves.toMatchObject({
      status: "completed",
      attempts: 5,
    } satisfies Partial<Outcome>);
  });

  it("B30 the bound that is reached first ends a message", async () => {
    const { keeper, clock, ran } = await createDoer(["hangs", "fails", "hangs"], {
      attempts: 5,
      maxReclaims: 1,
    });
    const receipt = await keeper.send("a", 1);
    await clock.advance(10_000);
    expect(ran).toHaveLength(3);
    await expect(receipt.outcome).resolves.toMatchObject({ status: "reclaimed", reason: "stalled" });
    await expect(keeper.deadLetters()).resolves.toMatchObject([{ reason: "stalled", attempts: 3 }]);
  });
});

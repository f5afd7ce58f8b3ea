import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import type { DeadLetter } from "../store/dead-letter.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { createFixture, type Fixture } from "./fixture.ts";

/** What a turn does. */
const deeds = [
  "completes",
  "fails",
  "gives up",
  "hangs",
  "rejects when told",
  "replies when told",
  "is aborted",
  "is aborted in its grace",
] as const;
type Deed = (typeof deeds)[number] | "is interrupted" | "is reset";

/** How a turn that did so ended, for the work it held. */
const endOf = {
  completes: "completed",
  fails: "failed",
  "gives up": "failed",
  hangs: "reclaimed",
  "rejects when told": "reclaimed",
  "replies when told": "completed",
  "is aborted": "aborted",
  "is aborted in its grace": "aborted",
  "is interrupted": "interrupted",
  "is reset": "reset",
} as const satisfies Record<Deed, string>;

/** One turn that ran. */
interface Ran {
  readonly turn: Turn;
  readonly deed: Deed;
}
/** Work that was accepted. */
interface Accepted {
  readonly type: "message" | "event";
  readonly receipt: Receipt;
}
interface Bounds {
  readonly attempts: number;
  readonly maxReclaims: number;
}

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

/** What is to become of one item, by the turns that held it: the rules of B30, B31 and B31a, read aloud. */
function expectedEnd(
  { type, receipt: { id } }: Accepted,
  ran: readonly Ran[],
  { attempts, maxReclaims }: Bounds,
): { readonly outcome: unknown; readonly letter: unknown; readonly attempts: readonly number[] } {
  const holding = ran.filter(({ turn }) => [...turn.messages, ...turn.events].some((item) => item.id === id));
  const counts: number[] = [];
  let failures = 0;
  let reclaims = 0;
  for (const { turn, deed } of holding) {
    const { id: turnId } = turn;
    const end = endOf[deed];
    const count = failures + reclaims + 1;
    counts.push(count);
    const isOver = (outcome: unknown, reason?: string): ReturnType<typeof expectedEnd> => {
      const letter = reason === undefined ? undefined : { reason, attempts: count, id };
      return { outcome, letter, attempts: counts };
    };
    const deadLetterId = expect.any(String) as string;
    const error = expect.objectContaining({ message: `failed ${turnId}` }) as Error;
    const failed = { status: "failed", turnId, attempts: count, error, deadLetterId };
    const reclaimed = { status: "reclaimed", turnId, reason: "stalled", deadLetterId };
    if (end === "completed") return isOver({ status: "completed", turnId, reply: turnId, attempts: count });
    if (end === "interrupted" || end === "reset") {
      if (type === "message") return isOver({ status: "cancelled", reason: end });
      continue;
    }
    const isForGood = deed === "gives up" && (type === "message" || turn.cause !== "message");
    if (type === "message" && end === "aborted") return isOver({ status: "cancelled", reason: "aborted" });
    if (type === "message" && end === "reclaimed") {
      if (reclaims >= maxReclaims) return isOver(reclaimed, "stalled");
      reclaims++;
      continue;
    }
    if (isForGood || failures + 1 >= attempts) {
      if (end === "failed") return isOver(failed, `failed ${turnId}`);
      return end === "reclaimed"
        ? isOver(reclaimed, "stalled")
        : isOver({ status: "cancelled", reason: "aborted" }, "aborted");
    }
    failures++;
  }
  throw new Error(`${type} ${id} has no end after ${holding.length} turns`);
}

/** The events that were in a message's last attempt though they had failed with it before (B31a). */
function poisonInLastAttempts(ran: readonly Ran[], { attempts }: Bounds): readonly string[] {
  const failures = new Map<string, number>();
  const failedWith = new Map<string, Set<string>>();
  const found: string[] = [];
  for (const { turn, deed } of ran) {
    const [message] = turn.messages;
    if (message === undefined) continue;
    const before = failures.get(message.id) ?? 0;
    const poisonous = failedWith.get(message.id) ?? new Set();
    const isLast = before > 0 && before + 1 >= attempts;
    if (isLast) found.push(...turn.events.map(({ id }) => id).filter((id) => poisonous.has(id)));
    if (endOf[deed] !== "failed") continue;
    failures.set(message.id, before + 1);
    failedWith.set(message.id, new Set([...poisonous, ...turn.events.map(({ id }) => id)]));
  }
  return found;
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

/** The id of what a dead letter holds. */
const idOf = (items: DeadLetter["items"]): unknown => items[0]!.id;

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
            const own = letters.filter(({ items }) => idOf(items) === id);
            expect(own.map(({ reason, attempts }) => ({ reason, attempts, id }))).toEqual(
              expected.letter === undefined ? [] : [expected.letter],
            );
            const named = "deadLetterId" in outcome ? outcome.deadLetterId : own[0]?.id;
            expect(own[0]?.id).toBe(named);
          }
          const ids = new Set<unknown>(accepted.map(({ receipt: { id } }) => id));
          expect(letters.every(({ items }) => ids.has(idOf(items)))).toBe(true);
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

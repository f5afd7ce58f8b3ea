import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { type Accepted, type Deed, expectedEnd, poisonInLastAttempts, type Ran } from "./attempt-ends.ts";
import { type Delay, delays, findUnfairRace, patienceMs, type SlotRace } from "./slot-races.ts";

/** Races of messages and events with turns that fail and hang: what is tried how often, and how it ends. */

const sessions = ["a", "b"] as const;
const bounds = { attempts: 3, maxReclaims: 1 };
const lane = {
  cap: 1_000,
  stallAfterMs: 100,
  reclaimAfterMs: 300,
  abortGraceMs: 100,
  maxReclaims: bounds.maxReclaims,
  retry: { attempts: bounds.attempts, baseMs: 50, maxMs: 200 },
};

interface Script {
  readonly plan: readonly Deed[];
  readonly works: readonly {
    readonly type: "message" | "event";
    readonly session: (typeof sessions)[number];
    readonly putOff: number;
  }[];
  readonly delays: readonly Delay[];
}
const scripts: fc.Arbitrary<Script> = fc.record({
  plan: fc.array(fc.constantFrom<Deed>("completes", "fails", "fails", "gives up", "hangs"), {
    minLength: 1,
    maxLength: 6,
  }),
  works: fc.array(
    fc.record({
      type: fc.constantFrom("message" as const, "event" as const),
      session: fc.constantFrom(...sessions),
      putOff: fc.nat(9),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  delays,
});

/** Runs one race to its end. */
async function run({ keeper, clock, keyOf, ...race }: SlotRace, script: Script): Promise<void> {
  const { plan, works } = script;
  const ran: Ran[] = [];
  const accepted: Accepted[] = [];
  /** In the order of the calls, in which the store takes them. */
  const sent: string[] = [];
  race.begin({
    delays: script.delays,
    event: () => {},
    async turn(turn) {
      const deed = plan[ran.length % plan.length]!;
      ran.push({ turn, deed });
      if (deed === "hangs") return new Promise(() => {});
      await race.inTurn("a turn ends");
      if (deed === "fails") throw new Error(`failed ${turn.id}`);
      if (deed === "gives up") throw new PermanentError(`failed ${turn.id}`);
      return turn.id;
    },
  });
  const accept = async ({ type, session, putOff }: Script["works"][number]): Promise<void> => {
    await race.inTurn(type, putOff);
    const id = `${sent.length}`;
    sent.push(id);
    const key = keyOf(session);
    const receipt = await (type === "message"
      ? keeper.send(key, "work", { id })
      : keeper.notify(key, { kind: "note" }, { id }));
    accepted.push({ type, receipt });
  };
  for (const work of works) void accept(work);
  await race.drain();
  for (let left = 500; left > 0 && keeper.stats().running + keeper.stats().waiting > 0; left--) {
    await clock.advance(clock.nextTimerInMs() ?? 1);
    await race.drain();
  }

  expect(accepted).toHaveLength(works.length);
  for (const session of sessions) {
    const sessionKey = keyOf(session);
    const own = ran.filter(({ turn }) => turn.sessionKey === sessionKey);
    const reading = keeper.deadLetters({ sessionKey });
    await race.drain();
    const letters = await reading;
    const expected: unknown[] = [];
    for (const item of accepted.filter(({ receipt }) => receipt.sessionKey === sessionKey)) {
      const { outcome, letter } = expectedEnd(item, own, bounds);
      expect(await item.receipt.outcome).toEqual(outcome);
      if (letter !== undefined) expected.push(letter);
    }
    const buried = letters.map(({ reason, attempts, items }) => ({ reason, attempts, id: items[0]!.id }));
    const byId = (one: unknown, other: unknown): number =>
      Number((one as { id: string }).id) - Number((other as { id: string }).id);
    expect(buried.toSorted(byId)).toEqual(expected.toSorted(byId));
    expect(poisonInLastAttempts(own, bounds)).toEqual([]);
    const messages = own.flatMap(({ turn }) => turn.messages.map(({ id }) => sent.indexOf(id)));
    expect(messages).toEqual(messages.toSorted((one, other) => one - other));
  }
}

test(
  "B30 B31 B31a in any order of events every item is tried as often as it may be, in its place, and ends as its last turn did",
  async () => {
    expect(await findUnfairRace(scripts, run, { lane })).toBeUndefined();
  },
  patienceMs,
);

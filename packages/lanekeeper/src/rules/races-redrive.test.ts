import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LanekeeperError, PermanentError } from "../keeper/errors.ts";
import type { Receipt } from "../turns/receipt.ts";
import { type Delay, delays, findUnfairRace, patienceMs, type SlotRace } from "./slot-races.ts";

/** Races about one dead letter: it is redriven and discarded while its id is sent again, and what comes of it withdrawn. */

const lane = { retry: { attempts: 1 }, dedupeMs: 1_000, abortGraceMs: 100 };

type Move = "redrive" | "discard" | "send its id" | "send another" | "cancel" | "reset" | "clear";
interface Script {
  readonly moves: readonly { readonly move: Move; readonly putOff: number }[];
  /** Whether the id is known no longer when it begins: then it is taken by whoever comes first. */
  readonly isForgotten: boolean;
  /** What turns do after the first, one after the other. */
  readonly fails: readonly boolean[];
  readonly delays: readonly Delay[];
}
const move = fc.constantFrom<Move>(
  "redrive",
  "redrive",
  "redrive",
  "discard",
  "send its id",
  "send its id",
  "send another",
  "cancel",
  "reset",
  "clear",
);
const scripts: fc.Arbitrary<Script> = fc.record({
  moves: fc.array(fc.record({ move, putOff: fc.nat(12) }), { minLength: 2, maxLength: 7 }),
  isForgotten: fc.boolean(),
  fails: fc.array(fc.constantFrom(false, false, true), { minLength: 1, maxLength: 3 }),
  delays,
});

/** Runs one race to its end. */
async function run({ keeper, clock, keyOf, ...race }: SlotRace, script: Script): Promise<void> {
  const key = keyOf("a");
  let turns = 0;
  /** What each turn held, and how many turns completed with each body. */
  const heldBy = new Map<string, readonly unknown[]>();
  const completed = new Map<unknown, number>();
  const named = new Map<string, unknown>();
  race.begin({
    delays: script.delays,
    event(event) {
      if (event.type !== "turn.completed") return;
      for (const body of heldBy.get(event.turnId)!) completed.set(body, (completed.get(body) ?? 0) + 1);
    },
    async turn({ id: turnId, messages }) {
      const isFirst = turns++ === 0;
      // An id names one piece of work at a time (B23).
      for (const { id, body } of isFirst ? [] : messages) {
        if (named.has(id) && named.get(id) !== body) race.faults.push(`B23 ${id} names two`);
        named.set(id, body);
      }
      heldBy.set(
        turnId,
        messages.map(({ body }) => body),
      );
      await race.inTurn("a turn ends");
      if (isFirst || script.fails[turns % script.fails.length]!) throw new PermanentError("no");
      return messages[0]?.body;
    },
  });
  const asked = async <T>(answer: Promise<T>): Promise<T> => {
    await race.drain();
    return answer;
  };
  const first = await asked(keeper.send(key, "given up", { id: "m" }));
  const [letter] = await asked(keeper.deadLetters({ sessionKey: key }));
  expect(await first.outcome).toMatchObject({ status: "failed", deadLetterId: letter!.id });

  if (script.isForgotten) await asked(clock.advance(lane.dedupeMs));

  const redriven: Receipt[] = [];
  const sentAgain: Receipt[] = [];
  const others: Receipt[] = [];
  let discarded = 0;
  let missing = 0;
  const make = async (what: Move): Promise<unknown> => {
    switch (what) {
      case "redrive":
        try {
          return redriven.push(await keeper.redrive(letter!.id));
        } catch (error) {
          if (!(error instanceof LanekeeperError && error.code === "NOT_FOUND")) throw error;
          return missing++;
        }
      case "discard":
        if (await keeper.discard(letter!.id)) discarded++;
        else missing++;
        return undefined;
      case "send its id":
        return sentAgain.push(await keeper.send(key, "again", { id: "m" }));
      case "send another":
        return others.push(await keeper.send(key, "another"));
      case "cancel":
        return (redriven[0] ?? sentAgain[0])?.cancel();
      case "reset":
      case "clear":
        return keeper[what](key);
    }
  };
  const faults: unknown[] = [];
  let open = script.moves.length;
  for (const { move: what, putOff } of script.moves) {
    void race
      .inTurn(what, putOff)
      .then(() => make(what))
      .catch((error: unknown) => faults.push(error))
      .then(() => open--);
  }
  await race.drain();
  for (let left = 100; left > 0 && keeper.stats().running + keeper.stats().waiting > 0; left--) {
    await clock.advance(clock.nextTimerInMs() ?? 1);
    await race.drain();
  }
  expect({ open, faults }).toEqual({ open: 0, faults: [] });

  // It is taken once: put back or forgotten, and whoever comes later is told.
  const letters = await asked(keeper.deadLetters({ sessionKey: key }));
  const isKept = letters.some(({ id }) => id === letter!.id);
  expect([redriven.length + discarded, isKept]).toEqual(
    redriven.length + discarded + missing > 0 ? [1, false] : [0, true],
  );
  // Its work runs to an end once at most, and whoever has a receipt hears of the work that it is for.
  expect(completed.get("given up") ?? 0).toBeLessThanOrEqual(redriven.length);
  const isOf = async (receipt: Receipt, bodies: readonly string[]): Promise<void> => {
    const outcome = await receipt.outcome;
    expect(outcome.status).not.toBe("suspended");
    expect(bodies).toContain(outcome.status === "completed" ? outcome.reply : bodies[0]);
  };
  for (const receipt of redriven) await isOf(receipt, ["given up"]);
  for (const receipt of sentAgain) await isOf(receipt, ["again", "given up"]);
  for (const receipt of others) await isOf(receipt, ["another"]);
  const replies = await Promise.all(sentAgain.map(async ({ outcome }) => outcome));
  const own = replies.filter((outcome) => outcome.status === "completed" && outcome.reply === "again");
  expect(completed.get("again") ?? 0).toBe(
    new Set(own.map((outcome) => "turnId" in outcome && outcome.turnId)).size,
  );
}

test(
  "B31b in any order of events a dead letter is put back or forgotten once, and its work is taken for no other's",
  async () => {
    expect(await findUnfairRace(scripts, run, { lane })).toBeUndefined();
  },
  patienceMs,
);

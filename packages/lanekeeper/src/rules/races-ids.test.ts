import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Receipt } from "../turns/receipt.ts";
import { type Delay, delays, findUnfairRace, patienceMs, type SlotRace } from "./slot-races.ts";

/** Races of calls that name the same work: messages and events of one id, while it runs, ends, is withdrawn or forgotten. */

const dedupeMs = 1_000;
const lane = { dedupeMs, cap: 3, retry: { attempts: 1 }, abortGraceMs: 100, passivateAfterMs: 0 };

type Move =
  | { readonly do: "send" | "notify" | "attach" | "steer" | "interrupt"; readonly id: string }
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "forget" | "abort" | "reset" | "clear" };
/** Some moves at once, and the time that passes when they and the turns are over. */
interface Round {
  readonly moves: readonly { readonly move: Move; readonly putOff: number }[];
  readonly thenMs: number;
}
interface Script {
  readonly rounds: readonly Round[];
  readonly fails: readonly boolean[];
  readonly delays: readonly Delay[];
}
const named = fc.record({
  do: fc.constantFrom("send", "send", "send", "send", "notify", "attach", "steer", "interrupt" as const),
  id: fc.constantFrom("x", "x", "x", "x", "x", "y"),
});
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 8, arbitrary: named },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("forget" as const, "abort", "reset", "clear") }) },
);
const round: fc.Arbitrary<Round> = fc.record({
  moves: fc.array(fc.record({ move, putOff: fc.nat(12) }), { minLength: 1, maxLength: 6 }),
  thenMs: fc.constantFrom(0, dedupeMs - 1, dedupeMs),
});
const scripts: fc.Arbitrary<Script> = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 3 }),
  fails: fc.array(fc.constantFrom(false, false, true), { minLength: 1, maxLength: 3 }),
  delays,
});

/** Work, by what its receipts and turns say of it: of one id only one may be accepted at a time. */
const workOf = ({ id, acceptedAt }: Pick<Receipt, "id" | "acceptedAt">): string => `${id} of ${acceptedAt}`;

/** Runs one race to its end. */
async function run({ keeper, clock, keyOf, ...race }: SlotRace, script: Script): Promise<void> {
  const key = keyOf("a");
  const receipts: Receipt[] = [];
  /** Times of the turns' ends, and of withdrawals: the work had not ended before. */
  const endedFrom = new Map<string, number>();
  /** The work that each turn held, and how many turns completed with each. */
  const heldBy = new Map<string, readonly string[]>();
  const completions = new Map<string, number>();
  let turns = 0;
  const over = (work: string): void => {
    if (!endedFrom.has(work)) endedFrom.set(work, clock.now());
  };
  race.begin({
    delays: script.delays,
    event(event) {
      if (event.type !== "turn.completed") return;
      for (const work of heldBy.get(event.turnId)!) completions.set(work, (completions.get(work) ?? 0) + 1);
    },
    async turn(turn) {
      const isFailing = script.fails[turns++ % script.fails.length]!;
      const stopped = new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      await Promise.race([stopped, race.inTurn("a turn ends")]);
      const held = [...turn.messages, ...turn.events, ...turn.takeSteering()].map(workOf);
      heldBy.set(turn.id, held);
      for (const work of held) over(work);
      if (isFailing || turn.signal.aborted) throw new Error("failed");
      return turn.id;
    },
  });
  const make = async (what: Move): Promise<unknown> => {
    switch (what.do) {
      case "send":
        return receipts.push(await keeper.send(key, "work", { id: what.id }));
      case "steer":
      case "interrupt":
        return receipts.push(await keeper.send(key, "work", { id: what.id, mode: what.do }));
      case "notify":
        return receipts.push(await keeper.notify(key, { kind: "note" }, { id: what.id }));
      case "attach": {
        const found = await keeper.attach(key, what.id);
        return found === undefined ? undefined : receipts.push(found);
      }
      case "cancel":
        return receipts[what.which % Math.max(1, receipts.length)]?.cancel();
      case "forget":
      case "abort":
      case "reset":
      case "clear":
        return keeper[what.do](key);
    }
  };
  let open = 0;
  const schedule = ({ move: what, putOff }: Round["moves"][number]): void => {
    open++;
    void race
      .inTurn(what.do, putOff)
      .then(() => make(what))
      .then(
        () => open--,
        (error: { readonly code?: string }) => {
          if (error.code === "LANE_FULL") open--;
        },
      );
  };
  for (const { moves, thenMs } of script.rounds) {
    for (const each of moves) schedule(each);
    await race.drain();
    await clock.advance(thenMs);
    await race.drain();
  }
  // An opening that the mailbox changed under again and again is tried again a little later.
  for (let left = 20; left > 0 && keeper.stats().running + keeper.stats().waiting > 0; left--) {
    await clock.advance(clock.nextTimerInMs() ?? 1);
    await race.drain();
  }
  expect({ open, ...keeper.stats() }).toMatchObject({ open: 0, running: 0, waiting: 0 });

  const outcomes = new Map<string, unknown>();
  for (const receipt of receipts) {
    const work = workOf(receipt);
    const outcome = await receipt.outcome;
    expect(outcome).toEqual(outcomes.get(work) ?? outcome);
    outcomes.set(work, outcome);
    expect(completions.get(work) ?? 0).toBe(outcome.status === "completed" ? 1 : 0);
  }
  for (const id of ["x", "y"]) {
    const times = new Set(
      receipts.filter((receipt) => receipt.id === id).map(({ acceptedAt }) => acceptedAt),
    );
    const accepted = [...times].toSorted((one, other) => one - other);
    for (const [index, at] of accepted.slice(1).entries()) {
      const before = accepted[index]!;
      expect(at - (endedFrom.get(workOf({ id, acceptedAt: before })) ?? before)).toBeGreaterThanOrEqual(
        dedupeMs,
      );
    }
  }
}

test(
  "B23 in any order of events an id names one piece of work until its time is over, and all who ask for it hear of that",
  async () => {
    expect(await findUnfairRace(scripts, run, { lane })).toBeUndefined();
  },
  patienceMs,
);

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Outcome } from "../turns/outcome.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { type Delay, delays, findUnfairRace, patienceMs, type SlotRace } from "./slot-races.ts";

/** Races of turns that await each other's sessions, with aborts, resets, changes of capacity and drains. */

const sessions = ["a", "b", "c", "d"] as const;
type Session = (typeof sessions)[number];

/** What every turn of a session does, though the deeper in a chain, the less it asks. */
interface Plan {
  readonly asks: readonly Session[];
  readonly atOnce: boolean;
  readonly startsSlowly: boolean;
  readonly fails: boolean;
  /** Whether it returns when it is told to stop, or goes on until its grace is over. */
  readonly obeys: boolean;
}
type Move =
  | { readonly do: "abort" | "reset" | "pause" | "resume"; readonly session: Session }
  /** Of what was asked so far. */
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "resize"; readonly turns: number }
  | { readonly do: "drain" };
interface Script {
  readonly turns: number;
  readonly plans: Readonly<Record<Session, Plan>>;
  readonly roots: readonly Session[];
  readonly moves: readonly { readonly move: Move; readonly after: number }[];
  readonly delays: readonly Delay[];
}

/** So many asks a turn may have that nobody's turn asked for; one less each time deeper in a chain. */
const mostAsks = 2;

const planOf = fc.record({
  asks: fc.array(fc.constantFrom(...sessions), { maxLength: mostAsks }),
  atOnce: fc.boolean(),
  startsSlowly: fc.boolean(),
  fails: fc.constantFrom(false, false, false, true),
  obeys: fc.constantFrom(true, true, true, false),
});
const scriptOf = (move: fc.Arbitrary<Move>, mostMoves: number): fc.Arbitrary<Script> =>
  fc.record({
    turns: fc.constantFrom(1, 1, 2),
    plans: fc.record({ a: planOf, b: planOf, c: planOf, d: planOf }),
    roots: fc.array(fc.constantFrom(...sessions), { minLength: 1, maxLength: 2 }),
    moves: fc.array(fc.record({ move, after: fc.constantFrom(0, 1, 3, 9) }), { maxLength: mostMoves }),
    delays,
  });
const lane = { cap: 1_000, retry: { attempts: 1 }, abortGraceMs: 1_000 };

/** The sessions whose replies each turn awaits whose code runs. */
type Awaits = Map<Turn, Session[]>;

/** Whether a session awaits another, itself or through others. */
function awaitsThrough(awaits: Awaits, { sessionOf }: SlotRace, from: string, to: string): boolean {
  const reached = new Set([from]);
  for (const session of reached) {
    for (const [{ sessionKey, signal }, awaited] of awaits) {
      if (sessionOf(sessionKey) !== session || signal.aborted) continue;
      for (const next of awaited) reached.add(next);
    }
  }
  return reached.has(to);
}

async function play(
  turn: Turn,
  plan: Plan,
  race: SlotRace,
  { awaits, asked }: { readonly awaits: Awaits; readonly asked: Receipt[] },
): Promise<string> {
  const { keeper, faults, inTurn } = race;
  const { signal } = turn;
  const own: Session[] = [];
  awaits.set(turn, own);
  const depth = Number(turn.messages[0]!.body);
  const ask = async (session: Session): Promise<void> => {
    const receipt = await keeper.send(race.keyOf(session), depth + 1);
    asked.push(receipt);
    // An await that is over may not have been heard of: then this says so falsely, and nobody is refused.
    const isCircle = awaitsThrough(awaits, race, session, race.sessionOf(turn.sessionKey));
    own.push(session);
    try {
      await receipt.reply();
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === "SELF_DEADLOCK" && !isCircle)
        faults.push(`B10 ${turn.sessionKey} is refused the reply of ${session}, and there is no circle`);
    } finally {
      own.splice(own.indexOf(session), 1);
    }
  };
  const work = async (): Promise<void> => {
    if (plan.startsSlowly) await inTurn("goes on");
    const asks = plan.asks.slice(0, Math.max(0, mostAsks - depth));
    if (plan.atOnce) await Promise.all(asks.map(ask));
    else for (const session of asks) if (!signal.aborted) await ask(session);
    await inTurn("goes on");
  };
  const stopped = new Promise<never>((_, reject) => {
    if (plan.obeys) signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
  const working = work();
  working.catch(() => {});
  await Promise.race([stopped, working]).finally(() => awaits.delete(turn));
  if (plan.fails) throw new Error("failed");
  return "done";
}

/** Runs one race to its end. */
async function run(race: SlotRace, script: Script): Promise<void> {
  const { keeper, clock, faults, inTurn } = race;
  const awaits: Awaits = new Map();
  const asked: Receipt[] = [];
  const hasStops = script.moves.some(({ move }) => move.do !== "resize");
  let most = script.turns;
  keeper.setCapacity({ turns: script.turns });
  race.begin({
    delays: script.delays,
    turn: (turn) =>
      play(turn, script.plans[race.sessionOf(turn.sessionKey) as Session], race, { awaits, asked }),
    event({ type }) {
      const { running, capacity } = keeper.stats();
      most = Math.max(capacity, Math.min(most, running));
      if (running > most) faults.push(`B12 ${running} of ${most} slots are held at ${type}`);
      // Where an abort ends an await, its turn goes on beside whoever still runs on its slot.
      const active = [...awaits.values()].filter(({ length }) => length === 0).length;
      if (active > most && !hasStops) faults.push(`B12 ${active} turns work on ${most} slots at ${type}`);
    },
  });

  const outcomes: (Outcome | undefined)[] = [];
  const calls: Promise<unknown>[] = [];
  const send = async (session: Session, index: number): Promise<void> => {
    await inTurn("send");
    const { outcome } = await keeper.send(race.keyOf(session), 0);
    outcomes[index] = undefined;
    void outcome.then((ended) => (outcomes[index] = ended));
  };
  for (const [index, root] of script.roots.entries()) calls.push(send(root, index).catch(() => {}));
  let isDraining = false;
  const make = async ({ move, after }: Script["moves"][number]): Promise<unknown> => {
    await inTurn(move.do, after);
    if (move.do === "resize") return keeper.setCapacity({ turns: move.turns });
    if (move.do === "cancel") return asked[move.which % Math.max(1, asked.length)]?.cancel();
    if (move.do !== "drain") return keeper[move.do](race.keyOf(move.session));
    isDraining = true;
    return keeper.drain();
  };
  for (const move of script.moves) calls.push(make(move));
  let open = calls.length;
  for (const call of calls) void call.then(() => open--);

  await race.drain();
  for (const session of sessions) void keeper.resume(race.keyOf(session));
  await race.drain();
  // Only turns that were told to stop, and go on, need time; nobody who obeys waits for it.
  if (script.moves.length === 0 && keeper.stats().running > 0) faults.push("B10a turns wait for each other");
  for (let second = 0; second < 30 && keeper.stats().running > 0; second++) {
    await clock.advance(1_000);
    await race.drain();
  }
  const { running, waiting } = keeper.stats();
  if (running > 0 || (waiting > 0 && !isDraining))
    faults.push(`B10a ${running} run and ${waiting} wait in the end`);
  if (open > 0) faults.push(`B33 ${open} calls have no answer`);
  if (!isDraining && outcomes.some((outcome) => outcome === undefined)) faults.push("B33 an outcome is open");
}

const onSession = fc.record({
  do: fc.constantFrom("abort" as const, "reset" as const, "pause" as const, "resume" as const),
  session: fc.constantFrom(...sessions),
});
const cancel = fc.record({ do: fc.constant("cancel" as const), which: fc.nat(5) });
const resize = fc.record({ do: fc.constant("resize" as const), turns: fc.constantFrom(1, 2, 3) });
const drain = fc.constant({ do: "drain" as const });

test(
  "B10a in any order of events sessions that await each other all end, on the slots there are",
  async () => {
    expect(await findUnfairRace(scriptOf(resize, 0), run, { lane })).toBeUndefined();
  },
  patienceMs,
);

test(
  "B10a in any order of events aborts, resets, pauses and withdrawals leave no slot lent and no parent waiting",
  async () => {
    const scripts = scriptOf(fc.oneof(onSession, onSession, resize, cancel), 4);
    expect(await findUnfairRace(scripts, run, { lane })).toBeUndefined();
  },
  patienceMs,
);

test(
  "B10a in any order of events what running turns await ends in a drain, and every slot comes back",
  async () => {
    const scripts = scriptOf(fc.oneof(onSession, drain), 3);
    expect(await findUnfairRace(scripts, run, { lane, isClosing: true })).toBeUndefined();
  },
  patienceMs,
);

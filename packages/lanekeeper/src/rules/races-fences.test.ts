import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { type Delay, delays, findUnfairRace, patienceMs, type SlotRace } from "./slot-races.ts";

/**
 * Races of turns that ask for things with what ends them: aborts, resets, interrupts, stalls and the end of their grace. In
 * each round some of that is done; then time passes, in which a turn that sleeps stalls, is told to stop or is fenced.
 */

const lane = {
  cap: 100,
  stallAfterMs: 50,
  reclaimAfterMs: 100,
  abortGraceMs: 50,
  retry: { attempts: 1 },
};

const calls = ["assertCurrent", "exec", "expectExec", "waiting", "takeSteering", "progress", "emit"] as const;
type Call = (typeof calls)[number];
interface Plan {
  readonly calls: readonly Call[];
  /** So many rounds in the middle of its calls, in which it does nothing. */
  readonly sleeps: number;
  readonly throws: boolean;
}
type Move = "followup" | "steer" | "interrupt" | "notify" | "abort" | "reset";
interface Script {
  readonly rounds: readonly {
    readonly moves: readonly { readonly move: Move; readonly putOff: number }[];
    readonly thenMs: number;
  }[];
  readonly plans: readonly Plan[];
  readonly delays: readonly Delay[];
}
const move = fc.constantFrom<Move>("followup", "followup", "steer", "interrupt", "notify", "abort", "reset");
const scripts: fc.Arbitrary<Script> = fc.record({
  rounds: fc.array(
    fc.record({
      moves: fc.array(fc.record({ move, putOff: fc.nat(12) }), { minLength: 1, maxLength: 4 }),
      thenMs: fc.constantFrom(0, 60, 120, 200),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  plans: fc.array(
    fc.record({
      calls: fc.array(fc.constantFrom(...calls), { minLength: 1, maxLength: 6 }),
      sleeps: fc.constantFrom(0, 0, 1, 2),
      throws: fc.constantFrom(false, false, true),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  delays,
});
/** Turns that do what a plan says; those after them only end, or what their commands end with would go on for ever. */
const busyTurns = 6;

/** Runs one race to its end. */
async function run(
  { keeper, clock, keyOf, faults, processes, ...race }: SlotRace,
  script: Script,
): Promise<void> {
  const key = keyOf("a");
  const before = processes.started.length;
  const turns = new Map<string, Turn>();
  /** Why each turn was told to stop, if it was; those that were fenced; and how often each came late. */
  const stopped = new Map<string, string>();
  const fenced = new Set<string>();
  const late = new Map<string, number>();
  /** Turns that were refused something before their signal was aborted: that is told a step later. */
  const refused: Turn[] = [];
  let announced = 0;
  let wakeUp = Promise.withResolvers<void>();

  /** Asks for one thing, and looks at what a turn gets that was told to stop, or was not. */
  const ask = async (turn: Turn, call: Call): Promise<void> => {
    const isStopped = turn.signal.aborted;
    const asking = async (): Promise<unknown> => {
      switch (call) {
        case "exec":
          return turn.exec("build", [turn.id]);
        case "expectExec":
          return turn.expectExec(`${key} ${announced++}`, { timeoutMs: 10 });
        case "waiting":
          return turn.waiting("a step", clock.now() + 10, race.inTurn("what it waits for"));
        case "takeSteering":
          return turn.takeSteering();
        case "assertCurrent":
        case "progress":
          return turn[call]();
        case "emit":
          return turn.emit(1);
      }
    };
    let given: unknown;
    let code: unknown;
    try {
      given = await asking();
    } catch (error) {
      ({ code } = error as { readonly code?: unknown });
    }
    const isIgnored = call === "progress" || call === "emit";
    const isRefused =
      call === "takeSteering" ? (given as readonly unknown[]).length === 0 : code === "TURN_FENCED";
    if (isStopped && (isIgnored ? code !== undefined : !isRefused))
      faults.push(`B28 ${call} of a turn that was told to stop: ${String(code ?? given)}`);
    if (!isStopped && code !== undefined) refused.push(turn);
  };
  race.begin({
    delays: script.delays,
    starts({ args }) {
      if (turns.get(args[0]!)!.signal.aborted)
        faults.push("B28 a turn that was told to stop starts a command");
    },
    event(event) {
      if (!("turnId" in event) || event.turnId === undefined) return;
      const { type, turnId } = event;
      if (type === "turn.aborting") stopped.set(turnId, event.reason);
      if (type === "lane.reclaimed") fenced.add(turnId);
      if (type === "turn.lateResult") late.set(turnId, (late.get(turnId) ?? 0) + 1);
      const isDecided = /^(aborted|interrupted|reset)$/u.test(stopped.get(turnId) ?? "");
      if (type === "turn.completed" && (isDecided || fenced.has(turnId)))
        faults.push(`B28 a turn completes that was ${stopped.get(turnId)}`);
      if ((type === "turn.progressed" || type === "turn.emitted") && stopped.has(turnId))
        faults.push(`B28 ${type} of a turn that was told to stop`);
    },
    async turn(turn) {
      for (const other of turns.values()) {
        if (other.fencingToken >= turn.fencingToken) faults.push("B28 a token does not grow");
        if (!other.signal.aborted && isCurrent(other)) faults.push("B3 two turns are current");
      }
      const plan = script.plans[turns.size % script.plans.length]!;
      turns.set(turn.id, turn);
      if (turns.size > busyTurns) return turn.id;
      for (const [index, call] of plan.calls.entries()) {
        await race.inTurn("a turn goes on");
        await ask(turn, call);
        if (index > 0) continue;
        for (let round = 0; round < plan.sleeps; round++) await wakeUp.promise;
      }
      if (plan.throws) throw new Error("failed");
      return turn.id;
    },
  });

  const receipts: Receipt[] = [];
  const make = async (what: Move): Promise<unknown> => {
    if (what === "abort" || what === "reset") return keeper[what](key);
    if (what === "notify") return receipts.push(await keeper.notify(key, { kind: "note" }));
    return receipts.push(await keeper.send(key, "work", { mode: what }));
  };
  let open = 0;
  const nextRound = async (thenMs: number): Promise<void> => {
    await race.drain();
    await clock.advance(thenMs);
    await race.drain();
    wakeUp.resolve();
    wakeUp = Promise.withResolvers();
    await race.drain();
  };
  for (const { moves, thenMs } of script.rounds) {
    for (const { move: what, putOff } of moves) {
      open++;
      void race
        .inTurn(what, putOff)
        .then(() => make(what))
        .then(() => open--);
    }
    await nextRound(thenMs);
  }
  // What was announced last is lost 10 ms later, and that starts a turn.
  let idleRounds = 0;
  for (let left = 60; left > 0 && idleRounds < 2; left--) {
    const { size } = turns;
    for (const started of processes.started.slice(before)) started.end(0);
    await nextRound(20);
    const { running, waiting, zombies } = keeper.stats();
    idleRounds = running + waiting + zombies === 0 && turns.size === size ? idleRounds + 1 : 0;
  }
  expect({ open, ...keeper.stats() }).toMatchObject({ open: 0, running: 0, waiting: 0, zombies: 0 });

  expect(refused.filter(({ signal }) => !signal.aborted)).toEqual([]);
  // What came back after its grace counted for nothing, and was told once.
  for (const [turnId, times] of late) expect([times, fenced.has(turnId)]).toEqual([1, true]);
  for (const { outcome: promised } of receipts) {
    const outcome = await promised;
    expect(outcome.status).not.toBe("suspended");
    const { turnId, reply } = { turnId: undefined, reply: undefined, ...outcome };
    expect(reply).toBe(outcome.status === "completed" ? turnId : undefined);
  }
}

function isCurrent(turn: Turn): boolean {
  try {
    turn.assertCurrent();
    return true;
  } catch {
    return false;
  }
}

test(
  "B28 in any order of events a turn that was told to stop starts nothing, and what it returns after its grace counts for nothing",
  async () => {
    expect(await findUnfairRace(scripts, run, { lane })).toBeUndefined();
  },
  patienceMs,
);

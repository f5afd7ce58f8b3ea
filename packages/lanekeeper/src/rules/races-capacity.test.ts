import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Priority } from "../dispatch/priority.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { type Delay, delays, findUnfairRace, patienceMs, type SlotRace } from "./slot-races.ts";

/**
 * Races for slots in rounds: in each some turns end and something is done. Between two rounds everything is at rest, and the
 * slots are counted.
 */

const sessions = ["agent:x:1", "agent:x:2", "agent:y:1"] as const;
type Session = (typeof sessions)[number];
const groupNames = ["narrow", "sure"] as const;
type Group = (typeof groupNames)[number] | undefined;
const narrow = { turns: 2, groups: { narrow: { limit: 1 }, sure: { limit: 2, reserved: 1 } } };
const capacities = [
  narrow,
  { turns: 3, groups: { narrow: { limit: 2 }, sure: { limit: 1 } } },
  { turns: 1, groups: { narrow: { limit: 1 }, sure: { limit: 1 } } },
  { turns: 4, groups: { narrow: { limit: 1, reserved: 1 }, sure: { limit: 3, reserved: 2 } } },
] as const;
type Budgets = Readonly<Record<string, { readonly limit: number; readonly reserved?: number }>>;

interface Work {
  readonly do: "send" | "interrupt" | "notify";
  readonly session: Session;
  readonly group: Group;
  readonly priority: Priority;
}
type Move =
  | Work
  | { readonly do: "abort" | "reset" | "clear" | "pause" | "resume"; readonly session: Session }
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "resize"; readonly to: (typeof capacities)[number] };
interface Round {
  readonly moves: readonly Move[];
  /** Which of the turns that run are let go, and what comes so many microtasks later. */
  readonly ends: readonly { readonly which: number; readonly microtasks: number; readonly work: Work }[];
}
interface Script {
  readonly rounds: readonly Round[];
  readonly fails: readonly boolean[];
  readonly delays: readonly Delay[];
}

const anySession = fc.constantFrom(...sessions);
const work = fc.record({
  do: fc.constantFrom("send" as const, "notify" as const, "interrupt" as const),
  session: anySession,
  group: fc.constantFrom(...groupNames, undefined),
  priority: fc.constantFrom("foreground" as const, "normal" as const, "background" as const),
});
const control = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      "abort" as const,
      "reset" as const,
      "clear" as const,
      "pause" as const,
      "resume" as const,
    ),
    session: anySession,
  }),
  fc.record({ do: fc.constant("cancel" as const), which: fc.nat(9) }),
);
const resize = fc.record({ do: fc.constant("resize" as const), to: fc.constantFrom(...capacities) });
const scripts = (move: fc.Arbitrary<Move>): fc.Arbitrary<Script> =>
  fc.record({
    rounds: fc.array(
      fc.record({
        moves: fc.array(move, { minLength: 1, maxLength: 3 }),
        ends: fc.array(fc.record({ which: fc.nat(3), microtasks: fc.nat(8), work }), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    fails: fc.array(fc.constantFrom(false, false, true), { minLength: 1, maxLength: 3 }),
    delays,
  });

const lane = { cap: 1_000, retry: { attempts: 2, baseMs: 10 }, abortGraceMs: 100 };

/** A turn whose code runs, and so holds a slot. */
interface Running {
  readonly group: Group;
  readonly end: () => void;
}

/** Counts the slots at rest: none is used twice, none is left unused, and every lane says what it waits for. */
function countSlots(
  { keeper, keyOf, faults }: SlotRace,
  running: readonly Running[],
  budgets: Budgets,
): void {
  const { running: held, capacity } = keeper.stats();
  if (held !== running.length) faults.push(`B12 ${held} slots are held, and ${running.length} turns run`);
  const heldBy = (name: string | undefined): number => running.filter(({ group }) => group === name).length;
  for (const session of sessions) {
    const { blockedBy, facts } = keeper.explain(keyOf(session));
    if (facts["detail"] !== "busy.waitingForCapacity") continue;
    const group = facts["group"] as Group;
    const isFull = group !== undefined && heldBy(group) >= budgets[group]!.limit;
    const reservedForOthers = Object.entries(budgets)
      .filter(([name]) => name !== group)
      .map(([name, { reserved = 0 }]) => Math.max(0, reserved - heldBy(name)))
      .reduce((sum, one) => sum + one, 0);
    if (!isFull && capacity - held - reservedForOthers > 0)
      faults.push(`B14 ${session} of ${group} waits beside a free slot: ${held} of ${capacity} are held`);
    if (blockedBy !== (isFull ? "group" : "capacity"))
      faults.push(`B60 ${session} of ${group} is blocked by ${blockedBy}, the group is full: ${isFull}`);
  }
}

/** Does what a move says, but for changes of capacity. */
function make(
  { keeper, keyOf }: SlotRace,
  receipts: Receipt[],
  move: Exclude<Move, { do: "resize" }>,
): Promise<unknown> | undefined {
  const note = (accepted: Promise<Receipt>): Promise<unknown> =>
    accepted.then((receipt) => receipts.push(receipt));
  switch (move.do) {
    case "send":
    case "interrupt": {
      const { session: key, group, priority } = move;
      const mode = move.do === "send" ? "followup" : "interrupt";
      return note(keeper.send(keyOf(key), group, { group, priority, mode }));
    }
    case "notify": {
      const { session: key, group, priority } = move;
      return note(keeper.notify(keyOf(key), { kind: "note", body: group }, { group, priority }));
    }
    case "cancel":
      return receipts[move.which % Math.max(1, receipts.length)]?.cancel();
    case "abort":
    case "reset":
    case "clear":
    case "pause":
    case "resume":
      return keeper[move.do](keyOf(move.session));
  }
}

/** Runs one race to its end. */
async function run(race: SlotRace, script: Script): Promise<void> {
  const { keeper, clock, faults, inTurn } = race;
  const running = new Set<Running>();
  let budgets: Budgets = narrow.groups;
  /** How many of a group, and how many in all, may run in this round: what was given before lowering stays. */
  const most = new Map<Group | "all", number>();
  const allow = (turns: number): void => {
    for (const name of groupNames) most.set(name, Math.max(budgets[name]!.limit, most.get(name) ?? 0));
    most.set("all", Math.max(turns, most.get("all") ?? 0));
  };
  const heldBy = (name: Group): number => [...running].filter(({ group }) => group === name).length;
  const check = (): void => {
    for (const name of groupNames) {
      if (heldBy(name) > most.get(name)!)
        faults.push(`B12 ${heldBy(name)} of ${name} run, ${most.get(name)} may`);
    }
    if (running.size > most.get("all")!) faults.push(`B12 ${running.size} run, ${most.get("all")} may`);
  };
  /** At rest, what lowering has left in its slots counts no more once it has ended. */
  const rest = (): void => {
    countSlots(race, [...running], budgets);
    for (const name of groupNames) most.set(name, Math.min(most.get(name)!, heldBy(name)));
    most.set("all", Math.min(most.get("all")!, running.size));
    allow(keeper.stats().capacity);
  };
  let started = 0;
  const turn = async ({ messages, events, signal }: Turn): Promise<void> => {
    const isFailing = script.fails[started++ % script.fails.length]!;
    const [first] = [...messages, ...events];
    const { promise, resolve } = Promise.withResolvers<void>();
    const entry: Running = { group: first?.body as Group, end: resolve };
    signal.addEventListener("abort", () => resolve());
    running.add(entry);
    check();
    await promise;
    running.delete(entry);
    if (isFailing) throw new Error("failed");
  };
  allow(narrow.turns);
  keeper.setCapacity(narrow);
  race.begin({ delays: script.delays, turn, event: () => {} });

  const receipts: Receipt[] = [];
  let open = 0;
  const schedule = (move: Move, before: () => Promise<void> = async () => {}): void => {
    open++;
    const act = async (): Promise<void> => {
      await inTurn(move.do);
      await before();
      if (move.do !== "resize") {
        await make(race, receipts, move);
        return;
      }
      budgets = move.to.groups;
      allow(move.to.turns);
      keeper.setCapacity(move.to);
    };
    void act().then(() => open--);
  };
  for (const { moves, ends } of script.rounds) {
    for (const move of moves) schedule(move);
    for (const { which, microtasks, work: next } of ends) {
      schedule(next, async () => {
        [...running][which % Math.max(1, running.size)]?.end();
        for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
      });
    }
    await race.drain();
    rest();
  }
  for (const session of sessions) void keeper.resume(race.keyOf(session));
  await race.drain();
  for (let left = 200; left > 0 && keeper.stats().running + keeper.stats().waiting > 0; left--) {
    rest();
    for (const { end } of running) end();
    await race.drain();
    await clock.advance(10);
    await race.drain();
  }
  const outcomes: (Outcome | undefined)[] = receipts.map(() => undefined);
  for (const [index, { outcome }] of receipts.entries())
    void outcome.then((ended) => (outcomes[index] = ended));
  await race.drain();
  const { running: held, waiting } = keeper.stats();
  if (held + waiting > 0) faults.push(`B12 ${held} are held and ${waiting} wait in the end`);
  if (outcomes.includes(undefined)) faults.push("B33 an outcome is open");
  if (open > 0) faults.push(`B33 ${open} calls have no answer`);
}

test(
  "B12 in any order of events every slot is used once, and nobody waits beside one that is free",
  async () => {
    expect(await findUnfairRace(scripts(work), run, { lane })).toBeUndefined();
  },
  patienceMs,
);

test(
  "B12 in any order of events what is aborted, reset, withdrawn or paused gives its slot to the next, once",
  async () => {
    const move = fc.oneof({ weight: 3, arbitrary: work }, { weight: 2, arbitrary: control });
    expect(await findUnfairRace(scripts(move), run, { lane })).toBeUndefined();
  },
  patienceMs,
);

test(
  "B16 in any order of events changes of capacity evict nobody and leave no slot unused",
  async () => {
    const move = fc.oneof({ weight: 3, arbitrary: work }, { weight: 2, arbitrary: resize });
    expect(await findUnfairRace(scripts(move), run, { lane })).toBeUndefined();
  },
  patienceMs,
);

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { scriptedProcesses } from "../commands/scripted-processes.ts";
import type { HeartbeatResult } from "../heartbeats/heartbeat-control.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, Store } from "../store/store.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import type { Turn } from "../turns/turn.ts";
import type { Receipt } from "../turns/receipt.ts";
import { leastGap, main, patient } from "./heartbeat-fixture.ts";

/** What a person, a machine, a command or an operator does. */
const acts = [
  "message",
  "interrupt",
  "background message",
  "event",
  "quiet event",
  "heartbeat",
  "toggle",
  "pause and resume",
  "command of the turn",
  "wake",
] as const;
type Act = (typeof acts)[number];

/** A memory store whose steps happen when they are asked for; their answers come in that order, when the schedule says. */
function scheduledStore(scheduler: fc.Scheduler, isOver: () => boolean): Store {
  const store = memoryStore();
  const answers: (() => void)[] = [];
  return {
    leases: store.leases,
    close: () => store.close(),
    async open(host) {
      const mailboxes = await store.open(host);
      return new Proxy(mailboxes, {
        get(target, step: keyof Mailboxes) {
          const value: unknown = Reflect.get(target, step);
          if (typeof value !== "function" || isOver()) return value;
          return (...args: unknown[]) => {
            const answer = (value as (...given: unknown[]) => unknown)(...args);
            // What waits is good until the session's next step: an answer that comes later is a copy.
            const kept = Array.isArray(answer) ? [...(answer as unknown[])] : answer;
            void scheduler.schedule(Promise.resolve(), step).then(() => answers.shift()!());
            return new Promise((resolve) => answers.push(() => resolve(kept)));
          };
        },
      });
    },
  };
}

/** Plays acts in every order with answers, ends of turns and each other, and gives back what was seen. */
async function play(scheduler: fc.Scheduler, plan: readonly Act[]) {
  const clock = createSimulatedClock();
  const processes = scriptedProcesses();
  const events: LanekeeperEvent[] = [];
  const receipts: Receipt[] = [];
  const results: HeartbeatResult[] = [];
  const turns: Turn[] = [];
  const faults: string[] = [];
  // While it is set up, and at the end, everything answers at once.
  let isOver = true;
  let live = 0;
  let asked = 0;
  const keeper = await createLanekeeper({
    clock,
    processes,
    random: () => 0.5,
    logger: { debug() {}, info() {}, warn() {}, error: (_, message) => void faults.push(message) },
    lane: patient,
    store: scheduledStore(scheduler, () => isOver),
    heartbeats: [{ agent: "main", everyMs: 24 * 3_600_000, minSpacingMs: 1_000 }],
    turn: async (turn) => {
      turns.push(turn);
      if (++live > 1) faults.push("two turns at once");
      if (plan.includes("command of the turn") && processes.started.length < 4) {
        await turn.exec("work").catch(() => {});
        processes.started.at(-1)?.end(0);
      }
      if (!isOver) await scheduler.schedule(Promise.resolve(), "end of a turn");
      live--;
      return "done";
    },
  });
  isOver = false;
  keeper.events$.subscribe((event) => events.push(event));
  const control = keeper.heartbeat("main");
  const keep = async (receipt: Promise<Receipt>): Promise<void> => void receipts.push(await receipt);
  const perform: Record<Act, () => unknown> = {
    message: () => keep(keeper.send(main, "hello")),
    interrupt: () => keep(keeper.send(main, "stop", { mode: "interrupt" })),
    "background message": () => keep(keeper.send(main, "later", { priority: "background" })),
    event: () => keep(keeper.notify(main, { kind: "note" })),
    "quiet event": () => keep(keeper.notify(main, { kind: "note" }, { wake: false })),
    heartbeat: () => {
      asked++;
      return control.request().then((result) => results.push(result));
    },
    toggle: () => control.disable().then(() => control.enable()),
    "pause and resume": () => keeper.pause(main).then(() => keeper.resume(main)),
    "command of the turn": () => {},
    wake: () => keeper.wake(main, { coalesceMs: 0 }),
  };
  for (const act of plan) void scheduler.schedule(Promise.resolve(), act).then(perform[act]);
  const ready = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await ready();
  for (let steps = 0; scheduler.count() > 0 && steps < 5_000; steps++) {
    await scheduler.waitOne();
    await ready();
    // Commands that a heartbeat caused wake their session a second later.
    if (scheduler.count() === 0) await clock.advance(1_000);
  }
  isOver = true;
  await clock.advance(2_000);
  // A last message takes along whatever waits for another reason to run.
  await keep(keeper.send(main, "the last one"));
  await clock.advance(5_000);
  const outcomes = await Promise.all(receipts.map(({ outcome }) => outcome));
  const view = control.inspect();
  const lane = keeper.session(main);
  const waiting = await keeper.mailbox(main);
  const closed = keeper.close();
  await clock.advance(60_000);
  await closed;
  return { events, outcomes, results, turns, faults, asked, view, lane, waiting };
}

test("B47 B48 in whatever order messages, events, heartbeats, pauses and answers come, nothing is lost and each is told once", async () => {
  const more = fc.array(fc.constantFrom(...acts.filter((act) => act !== "command of the turn")), {
    maxLength: 5,
  });
  const plans = more.map((others): readonly Act[] => ["heartbeat", "message", ...others]);
  const met = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
      const seen = await play(scheduler, plan);
      for (const { type } of seen.events) met.set(type, (met.get(type) ?? 0) + 1);
      expect(seen.faults).toEqual([]);
      expect(seen.waiting).toEqual([]);
      // An interrupt cancels messages that run or waited as interrupts; everything else completes.
      for (const outcome of seen.outcomes)
        expect(outcome).toMatchObject(
          plan.includes("interrupt") && outcome.status === "cancelled"
            ? { reason: "interrupted" }
            : { status: "completed" },
        );
      // Whoever asked is answered once, and the runner rests.
      expect(seen.results).toHaveLength(seen.asked);
      expect(seen.view.state).toBe("idle");
      expect(seen.lane?.state ?? "idle").toBe("idle");
      const told = seen.events.filter(({ type }) => type.startsWith("heartbeat."));
      const ended = told.filter(({ type }) => /\.(ran|failed|preempted)$/.test(type));
      const beats = seen.turns.filter(({ cause }) => cause === "heartbeat");
      const started = seen.events.filter(
        (event) => event.type === "turn.started" && event.cause === "heartbeat",
      );
      expect(ended).toHaveLength(started.length);
      expect(beats.length).toBeLessThanOrEqual(seen.asked);
      // A heartbeat that was preempted gave way to a message, which ran next.
      for (const [index, event] of seen.events.entries()) {
        if (event.type !== "heartbeat.preempted") continue;
        const next = seen.events.slice(index).find(({ type }) => type === "turn.started");
        expect(next).toMatchObject({ cause: "message" });
      }
    }),
    { numRuns: 1_000, timeout: 10_000 },
  );
  // The schedules reach what they are about.
  const wanted = ["ran", "deferred", "preempted", "skipped"].map((word) => `heartbeat.${word}`);
  expect(wanted.filter((type) => (met.get(type) ?? 0) < 20)).toEqual([]);
}, 300_000);

test("B39 however answers and ends of turns fall, a heartbeat's commands start turns a spacing apart", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom("heartbeat", "event"), { maxLength: 2 }),
      async (scheduler, more) => {
        const seen = await play(scheduler, ["command of the turn", "heartbeat", ...(more as Act[])]);
        expect(seen.faults).toEqual([]);
        const persons = seen.events.filter(
          (event) => event.type === "event.accepted" && event.kind === "note",
        );
        const starts = seen.events.flatMap((event) =>
          event.type === "turn.started" && event.cause === "event" ? [event.at] : [],
        );
        if (persons.length > 0) return;
        expect(leastGap(starts)).toBeGreaterThanOrEqual(1_000);
      },
    ),
    { numRuns: 100 },
  );
}, 300_000);

import {
  heartbeatRunnerMachine,
  lockHolderMachine,
  sessionLaneMachine,
  supervisorMachine,
} from "@lanekeeper/machines";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Actor,
  type AnyActorLogic,
  type AnyStateMachine,
  createActor,
  type EventObject,
  fromCallback,
} from "xstate";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import { compileLogic } from "./compiled-logic.ts";

/** One thing that happens to both actors. Which event it is, is chosen among those that their state understands. */
interface Step {
  readonly kind: "event" | "stray" | "answer" | "late" | "time";
  readonly pick: number;
  readonly ms: number;
  /** What the guards that only the runtime can answer say. */
  readonly isOpen: boolean;
  /** What breaks in this step. */
  readonly breaks: "action" | "start" | "cleanup" | undefined;
  /** Whether callbacks that start in this step answer at once. */
  readonly isPrompt: boolean;
}

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    "event",
    "event",
    "event",
    "event",
    "stray",
    "answer",
    "answer",
    "late",
    "time",
    "time",
  ),
  pick: fc.nat(999),
  ms: fc.nat(12),
  isOpen: fc.boolean(),
  breaks: fc.oneof(
    { weight: 40, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom("action", "start", "cleanup") },
  ),
  isPrompt: fc.boolean(),
});

/** A machine with all that it may be told. */
interface Subject {
  readonly machine: AnyStateMachine;
  readonly input?: unknown;
  readonly events: readonly (EventObject & Readonly<Record<string, unknown>>)[];
  readonly openGuards?: readonly string[];
}

/** One of the two actors with everything it did. */
interface Side {
  readonly log: unknown[];
  readonly actor: Actor<AnyActorLogic>;
  /** The callbacks that it ever started. */
  readonly callbacks: { readonly sendBack: (event: EventObject) => void; isLive: boolean }[];
  drain(): void;
}

/** What both sides share: time, chance, and what breaks now. */
interface Stage {
  readonly subject: Subject;
  readonly clock: SimulatedClock;
  readonly delays: readonly number[];
  current: Step;
}

/** The machine with effects that only record; they take their chances from the stage, so both sides have the same. */
function record(stage: Stage, side: Pick<Side, "log" | "callbacks">): AnyStateMachine {
  const { machine, openGuards = [], events } = stage.subject;
  const { log, callbacks } = side;
  let answered: Step | undefined;
  const breakAt = (place: Step["breaks"]) => {
    if (stage.current.breaks === place) throw new Error(`${place} broke`);
  };
  const { actions, actors, delays } = machine.implementations;
  const effects = Object.keys(actions).filter((name) => !("assignment" in (actions[name] as object)));
  return machine.provide({
    actions: Object.fromEntries(
      effects.map((name) => [
        name,
        ({ context, event }: { context: unknown; event: EventObject }, params: unknown) => {
          log.push([name, context, event.type, params]);
          breakAt("action");
        },
      ]),
    ),
    actors: Object.fromEntries(
      Object.keys(actors).map((name) => [
        name,
        fromCallback(({ input, sendBack }) => {
          log.push([`+${name}`, input]);
          breakAt("start");
          const callback = { sendBack, isLive: true };
          callbacks.push(callback);
          const answer = events[stage.current.pick % events.length];
          // Once a step: two callbacks that answer each other's answers would never come to rest.
          if (stage.current.isPrompt && answer !== undefined && answered !== stage.current) {
            answered = stage.current;
            sendBack(answer);
          }
          return () => {
            callback.isLive = false;
            log.push(`-${name}`);
            breakAt("cleanup");
          };
        }),
      ]),
    ),
    guards: Object.fromEntries(openGuards.map((name) => [name, () => stage.current.isOpen])),
    delays: Object.fromEntries(
      Object.keys(delays).map((name, index) => [name, stage.delays[index % stage.delays.length]]),
    ),
  } as object) as AnyStateMachine;
}

function interpret(stage: Stage): Side {
  const { clock } = stage;
  const side = { log: [], callbacks: [] };
  const actor = createActor(record(stage, side), { input: stage.subject.input, clock });
  return { ...side, actor: watch(actor as Actor<AnyActorLogic>, side.log), drain: () => {} };
}

function compile(stage: Stage): Side {
  const { clock } = stage;
  const queue: (() => void)[] = [];
  const drain = () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) task();
  };
  const side = { log: [], callbacks: [] };
  const logic = compileLogic(record(stage, side), {
    post: (task, a, b) => void queue.push(() => task(a, b)),
    arm: (delayMs, task, a) => {
      const timer = clock.setTimeout(() => {
        task(a);
        drain();
      }, delayMs);
      return { cancel: () => clock.clearTimeout(timer) };
    },
  });
  const actor = createActor(logic, { input: stage.subject.input });
  return { ...side, actor: watch(actor, side.log), drain };
}

/** Records how an actor ends, as whoever supervises it learns it. */
function watch(actor: Actor<AnyActorLogic>, log: unknown[]): Actor<AnyActorLogic> {
  actor.subscribe({
    complete: () => void log.push("complete"),
    error: (error) => void log.push(`error: ${(error as Error).message}`),
  });
  return actor;
}

/**
 * What can be seen of an actor. After an error the interpreter leaves callbacks running and the compiled form does not
 * (I3): there the cleanups do not count.
 */
function lookAt({ actor, log }: Side): object {
  const { value, context, status, error } = actor.getSnapshot() as Record<string, unknown>;
  const seen = status === "error" ? log.filter((entry) => !String(entry).startsWith("-")) : log;
  return { value, context, status, error, log: seen };
}

/** Does the same to a machine through XState's interpreter and compiled, and compares them after each step. */
async function compare(subject: Subject, delays: readonly number[], life: readonly Step[]): Promise<void> {
  const first: Step = { kind: "time", pick: 0, ms: 0, isOpen: true, breaks: undefined, isPrompt: false };
  const stage: Stage = { subject, clock: createSimulatedClock(), delays, current: first };
  const sides = [interpret(stage), compile(stage)] as const;
  const [interpreted, compiled] = sides;
  const each = (act: (side: Side) => void) => {
    for (const side of sides) {
      act(side);
      side.drain();
    }
    expect(lookAt(compiled)).toEqual(lookAt(interpreted));
  };
  each(({ actor }) => actor.start());
  for (const step of life) {
    const { status, can } = interpreted.actor.getSnapshot() as {
      status: string;
      can: (e: EventObject) => boolean;
    };
    if (status !== "active") break;
    stage.current = step;
    if (step.kind === "time") {
      await stage.clock.advance(step.ms);
      each(() => {});
      continue;
    }
    const candidates =
      step.kind === "event"
        ? subject.events.filter((event) => can.call(interpreted.actor.getSnapshot(), event))
        : subject.events;
    const event = candidates[step.pick % candidates.length];
    if (event === undefined) continue;
    each(({ actor, callbacks }) => {
      if (step.kind === "event" || step.kind === "stray") actor.send(event);
      else callbacks.findLast(({ isLive }) => isLive === (step.kind === "answer"))?.sendBack(event);
    });
  }
  stage.current = first;
  each(({ actor }) => actor.stop());
  await stage.clock.advance(100);
  each(() => {});
  expect(stage.clock.nextTimerInMs()).toBe(undefined);
  expect(compiled.callbacks.filter(({ isLive }) => isLive)).toEqual([]);
}

const at = Date.parse("2026-05-01T12:00:00Z");
const hour = 3_600_000;
const sent = { monotonic: 0, wall: 0 };
const turn = { id: "turn-1", cause: "message", attempt: 1, startedAt: 0 };
const mailboxes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((version) => ({
  version,
  messages: version % 2,
  events: version % 3,
  quiet: 1,
  steering: version % 2,
  retry: version !== 4 && version !== 5 ? null : { holding: version === 4 ? "event" : "message", at: 5 },
  batch: version < 7 ? null : { firstSeq: version, firstMono: 0, lastMono: 0, count: version - 6 },
  interrupt: version === 3 || version === 6,
  priority: version % 2 === 0 ? "normal" : "foreground",
  group: null,
}));
const plain = (...types: readonly string[]) => types.map((type) => ({ type }));

const subjects: Record<string, Subject> = {
  "a session lane": {
    machine: sessionLaneMachine,
    input: {
      sessionKey: "chat",
      cap: 2,
      mailbox: mailboxes[0],
      wakeDue: false,
      pausedBy: { session: false, keeper: false },
    },
    openGuards: ["isBatchQuiet", "isQuiet", "isOverdue", "isGraceOver"],
    events: [
      ...mailboxes.flatMap((mailbox) =>
        ["mailbox.changed", "turn.opened", "turn.withheld", "work.settled", "session.restarted"].map(
          (type) => ({
            type,
            mailbox,
            turn,
          }),
        ),
      ),
      ...[true, false].map((paused) => ({ type: "pause.changed", scope: "session", paused })),
      ...plain("wake.due", "session.reset", "slot.granted", "slot.lost", "turn.progressed"),
      ...plain("turn.returned", "turn.threw", "turn.abort", "lane.close", "store.failed", "nobody.knows"),
    ],
  },
  "a heartbeat runner": {
    machine: heartbeatRunnerMachine,
    input: {
      agent: "main",
      sessionKey: "agent:main:main",
      everyMs: hour,
      minSpacingMs: 30_000,
      activeHours: { start: "22:00", end: "13:00", timezone: "UTC" },
      preemptible: true,
      enabled: true,
      starts: [],
      at,
    },
    events: [at, at + 2 * hour, at + 40 * hour].flatMap((time) =>
      [
        ...plain(
          "heartbeat.request",
          "heartbeat.enable",
          "heartbeat.disable",
          "clock.read",
          "session.occupied",
        ),
        ...plain("session.freed", "capacity.filled", "turn.started", "turn.stalled", "turn.recovered"),
        ...plain("turn.ended", "turn.reclaimed", "turn.settled"),
        { type: "turn.refused", reason: "paused" },
        { type: "turn.aborted", reason: "preempted" },
        { type: "turn.aborted", reason: "stalled" },
        { type: "turn.completed", durationMs: 1 },
        { type: "turn.failed", error: "E", permanent: false },
        { type: "lane.crashed", error: "E" },
      ].map((event) => ({ ...event, at: time })),
    ),
  },
  ...Object.fromEntries(
    [false, true].map((once) => [
      once ? "a lock holder that tries once" : "a lock holder",
      {
        machine: lockHolderMachine,
        input: {
          name: "chat",
          owner: "owner-1",
          label: null,
          terms: { ttlMs: 60_000, renewEveryMs: 20_000, marginMs: 6_000, waitMs: 10_000 },
          once,
        },
        events: [
          ...plain("lock.acquire", "lock.release", "line.reached", "line.blocked", "acquisition.failed"),
          ...plain("lease.vacated", "renewal.refused", "renewal.failed", "clock.jumped", "release.confirmed"),
          ...plain("release.refused", "release.failed"),
          { type: "lock.cancel", reason: "aborted" },
          { type: "lock.forfeit", reason: "fenced" },
          { type: "acquisition.denied", expiresInMs: 900 },
          ...["acquisition.granted", "renewal.confirmed"].flatMap((type) =>
            [10, 3_600_000].map((wall) => ({ type, token: "7", sent, received: { monotonic: 10, wall } })),
          ),
        ],
      },
    ]),
  ),
  "a supervisor": {
    machine: supervisorMachine,
    events: [
      ...plain("keeper.drain", "keeper.close", "keeper.emptied"),
      ...[0, 1, 2].map((turns) => ({ type: "turns.changed", turns })),
      { type: "execution.ended", execId: "exec-1" },
      ...["chat", "a.b.c"].flatMap((actorId) => [
        { type: `xstate.error.actor.${actorId}`, actorId, error: new Error("broken") },
        { type: `xstate.done.actor.${actorId}`, actorId },
      ]),
    ],
  },
};

describe("compiled, as by XState's interpreter,", () => {
  it.each(Object.keys(subjects))(
    "%s takes every step alike: state, context, effects, errors (I1)",
    async (name) => {
      expect.hasAssertions();
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 8, maxLength: 8 }),
          fc.array(steps, { minLength: 5, maxLength: 40 }),
          (delays, life) => compare(subjects[name]!, delays, life),
        ),
        { numRuns: 250 },
      );
    },
  );
});

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnyMachineSnapshot, createActor, fromCallback, SimulatedClock } from "xstate";
import { explore, stateOf } from "../reachability.ts";
import { cap, mails } from "../staged-lane.ts";
import type { LaneEvent } from "./session-lane.events.ts";
import {
  type EffectInput,
  hasWork,
  isBackingOff,
  isDebouncing,
  isInterrupted,
  isOutcomeOpen,
  isPaused,
  isReclaiming,
  type LaneContext,
  type LaneInput,
  type LaneTurn,
  type MailboxSummary,
  type SettlementInput,
} from "./session-lane.logic.ts";
import { sessionLaneMachine } from "./session-lane.machine.ts";

const quiet: MailboxSummary = { version: 1, ...mails.nothing };
const message: MailboxSummary = { version: 1, ...mails.message };
const batch: MailboxSummary = { version: 1, ...mails.batch };
const interrupt: MailboxSummary = { version: 2, ...mails.interrupt };
const failedEvent: MailboxSummary = { ...quiet, events: 1, retry: { holding: "event", at: 5 } };
const failedMessage: MailboxSummary = { ...message, events: 1, retry: { holding: "message", at: 5 } };
const turn: LaneTurn = { id: "turn-1", cause: "message", attempt: 1, startedAt: 0 };
const input: LaneInput = {
  sessionKey: "chat",
  cap,
  mailbox: { ...quiet, version: 0 },
  wakeDue: false,
  pausedBy: { session: false, keeper: false },
};
const plain: readonly LaneEvent[] = [
  { type: "wake.due" },
  { type: "heartbeat.due" },
  { type: "heartbeat.withdrawn" },
  { type: "wake.raised" },
  { type: "pause.changed", scope: "session", paused: true },
  { type: "pause.changed", scope: "session", paused: false },
  { type: "session.reset" },
  { type: "slot.granted" },
  { type: "slot.lost" },
  { type: "turn.progressed" },
  { type: "turn.returned" },
  { type: "turn.threw" },
  { type: "turn.abort" },
  { type: "lane.close" },
  { type: "turn.unconfirmed" },
  { type: "store.failed" },
];

const events: readonly LaneEvent[] = [
  ...[quiet, message, batch, interrupt, failedEvent, failedMessage].map(
    (mailbox) => ({ type: "mailbox.changed", mailbox }) as const,
  ),
  { type: "turn.opened", turn, mailbox: failedMessage },
  { type: "turn.opened", turn, mailbox: interrupt },
  { type: "turn.withheld", mailbox: quiet },
  { type: "work.settled", mailbox: failedMessage },
  { type: "session.restarted", mailbox: quiet },
  ...plain,
];

describe("the session lane's chart", () => {
  it("has the four states of B1 on top, and the end of its actor", () => {
    expect(Object.keys(sessionLaneMachine.states)).toEqual([
      "idle",
      "busy",
      "stalled",
      "reclaimed",
      "asleep",
    ]);
  });

  it("has every state reached and left again", () => {
    const found = explore(sessionLaneMachine, {
      input,
      events,
      openGuards: ["isBatchQuiet", "isQuiet", "isOverdue", "isGraceOver"],
      // What the guards ask, and whether a summary is still to come.
      distinguish: (context) => [
        context.mailbox.version,
        hasWork(context),
        isPaused(context),
        isBackingOff(context),
        isDebouncing(context),
        isInterrupted(context),
        isOutcomeOpen(context),
        isReclaiming(context),
      ],
    });
    expect(found).toEqual({
      reached: [
        "idle",
        "busy.choosing",
        "busy.paused",
        "busy.backingOff",
        "busy.debouncing",
        "busy.waitingForCapacity",
        "busy.opening",
        "busy.running",
        "busy.aborting",
        "busy.settling",
        "busy.unsettled",
        "busy.restarting",
        "busy.withoutStore",
        "stalled.running",
        "stalled.aborting",
        "reclaimed.settling",
        "reclaimed.unsettled",
        "asleep",
      ],
      unreached: [],
      trapped: [],
      unfed: [],
    });
  });
});

/** What is true of a lane in any state, whatever happened before. */
interface Books {
  readonly state: string;
  readonly context: LaneContext;
  readonly isSlotHeld: boolean;
  readonly postponed: number;
  readonly live: ReadonlySet<string>;
  readonly started: number;
  readonly opened: number;
}

/** Runs a lane through steps and looks at its books after each. */
function keepBooks(steps: readonly Step[], look: (books: Books) => void): void {
  const timers = new SimulatedClock();
  const live = new Set<string>();
  const answers = { guards: true };
  let version = 0;
  let isSlotHeld = false;
  let postponed = 0;
  let started = 0;
  let opened = 0;
  const play = <Input extends EffectInput>(name: string) =>
    fromCallback<LaneEvent, Input>(() => {
      live.add(name);
      return () => live.delete(name);
    });
  const machine = sessionLaneMachine.provide({
    actors: {
      claim: play("claim"),
      opening: play("opening"),
      settlement: play<SettlementInput>("settlement"),
      restart: play("restart"),
      outage: play("outage"),
    },
    actions: {
      releaseSlot: () => {
        isSlotHeld = false;
      },
      postpone: () => {
        postponed += 1;
      },
      resumePostponed: () => {
        postponed = 0;
      },
      startTurn: () => {
        started += 1;
      },
    },
    guards: {
      isBatchQuiet: () => answers.guards,
      isQuiet: () => answers.guards,
      isOverdue: () => answers.guards,
      isGraceOver: () => answers.guards,
    },
  });
  const lane = createActor(machine, { input, clock: timers }).start();
  const versioned = (event: LaneEvent): LaneEvent =>
    "mailbox" in event ? { ...event, mailbox: { ...event.mailbox, version } } : event;
  for (const { pick, pauseMs, isHeld, isStale } of steps) {
    answers.guards = isHeld;
    const event = choose(lane.getSnapshot(), pick);
    if ("mailbox" in event && !isStale) version += 1;
    if (event.type === "slot.granted") isSlotHeld = true;
    if (event.type === "turn.opened") opened += 1;
    lane.send(versioned(event));
    timers.increment(pauseMs);
    const { context, status } = lane.getSnapshot();
    look({ state: stateOf(lane.getSnapshot()), context, isSlotHeld, postponed, live, started, opened });
    if (status === "done") return;
  }
  lane.stop();
}

interface Step {
  /** Which of the events that its state understands comes next. */
  readonly pick: readonly [type: number, sample: number];
  readonly pauseMs: number;
  readonly isHeld: boolean;
  readonly isStale: boolean;
}

/** One of the events that the state understands: each type is as likely. */
function choose(snapshot: Pick<AnyMachineSnapshot, "can">, [type, sample]: Step["pick"]): LaneEvent {
  const understood = Object.values(
    Object.groupBy(
      events.filter((event) => snapshot.can(event)),
      (event) => event.type,
    ),
  );
  const samples = understood[type % understood.length] ?? [];
  const chosen = samples[sample % samples.length];
  if (chosen === undefined) throw new Error("A state that is not final understands nothing.");
  return chosen;
}

/** What its context lets a lane do that runs no turn. */
function kindOf(context: LaneContext): string {
  if (!hasWork(context)) return "without work";
  if (isPaused(context)) return "paused";
  if (isBackingOff(context)) return "backing off";
  return isDebouncing(context) ? "debouncing" : "free";
}

const runs = { numRuns: 50 };
const lives: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    pick: fc.tuple(fc.nat(1_000), fc.nat(5)),
    pauseMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 500, 1_000, 15_000, 120_000, 480_000),
    isHeld: fc.boolean(),
    isStale: fc.boolean(),
  }),
  { minLength: 30, maxLength: 60 },
);

describe("in whatever order events arrive, a session lane", () => {
  it("holds a slot exactly while it opens or runs a turn, so none leaks (B26)", () => {
    const holding = new Set([
      "busy.opening",
      "busy.running",
      "busy.aborting",
      "stalled.running",
      "stalled.aborting",
    ]);
    fc.assert(
      fc.property(lives, (steps) =>
        keepBooks(steps, ({ state, isSlotHeld }) =>
          expect([state, isSlotHeld]).toEqual([state, holding.has(state)]),
        ),
      ),
      runs,
    );
  });

  it("starts each opened turn once, and knows it exactly until its work is settled (B3)", () => {
    const without =
      /^(idle|asleep|busy\.(paused|backingOff|debouncing|waitingForCapacity|opening|restarting|withoutStore))$/;
    fc.assert(
      fc.property(lives, (steps) =>
        keepBooks(steps, ({ state, context, started, opened }) => {
          const { turn: current, abort, conclusion } = context;
          expect(started).toBe(opened);
          expect([state, current === null]).toEqual([state, without.test(state)]);
          expect(current !== null || (abort === null && conclusion === null)).toBe(true);
          expect(conclusion !== null).toBe(/settl/.test(state));
        }),
      ),
      runs,
    );
  });

  it("answers what it postponed before it rests or runs again", () => {
    const answered =
      /^(idle|asleep|busy\.(paused|backingOff|debouncing|waitingForCapacity|running|withoutStore))$/;
    fc.assert(
      fc.property(lives, (steps) =>
        keepBooks(steps, ({ state, postponed }) => expect(answered.test(state) && postponed > 0).toBe(false)),
      ),
      runs,
    );
  });

  it("runs one effect at most, the one its state names", () => {
    const effects: Record<string, string> = {
      "busy.waitingForCapacity": "claim",
      "busy.opening": "opening",
      "busy.settling": "settlement",
      "busy.unsettled": "outage",
      "busy.restarting": "restart",
      "busy.withoutStore": "outage",
      "reclaimed.settling": "settlement",
      "reclaimed.unsettled": "outage",
    };
    fc.assert(
      fc.property(lives, (steps) =>
        keepBooks(steps, ({ state, live }) =>
          expect([state, ...live]).toEqual([state, effects[state] ?? []].flat()),
        ),
      ),
      runs,
    );
  });

  it("lets no turn make progress once an interrupt waits (B20)", () => {
    fc.assert(
      fc.property(lives, (steps) =>
        keepBooks(steps, ({ state, context }) => {
          const hasTurn = /running|aborting/.test(state);
          expect([state, hasTurn && isInterrupted(context)]).toEqual([state, false]);
        }),
      ),
      runs,
    );
  });

  it("rests in no state that its context contradicts, and keeps its context JSON (B2)", () => {
    fc.assert(
      fc.property(lives, (steps) =>
        keepBooks(steps, ({ state, context }) => {
          const kind = kindOf(context);
          const kinds = {
            idle: "without work",
            asleep: "without work",
            "busy.paused": "paused",
            "busy.backingOff": "backing off",
            "busy.debouncing": "debouncing",
            "busy.waitingForCapacity": "free",
          };
          expect([state, kind]).toEqual([state, kinds[state as keyof typeof kinds] ?? kind]);
          expect(JSON.parse(JSON.stringify(context))).toEqual(context);
        }),
      ),
      runs,
    );
  });
});

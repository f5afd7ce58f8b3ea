import { createActor, fromCallback, SimulatedClock } from "xstate";
import { stateOf } from "./reachability.ts";
import type { LaneEvent } from "./session-lane/session-lane.events.ts";
import type {
  EffectInput,
  LaneContext,
  LaneInput,
  LaneTurn,
  MailboxSummary,
  SettlementInput,
} from "./session-lane/session-lane.logic.ts";
import { sessionLaneMachine } from "./session-lane/session-lane.machine.ts";

/**
 * A session lane on a stage, for the tests of its machine: its effects only say what they were asked, its time moves
 * when told, and each state has a way that leads there.
 */

/** What a mailbox holds, told without its version. */
export type Mail = Omit<MailboxSummary, "version">;
interface Answers {
  isBatchQuiet: boolean;
  isQuiet: boolean;
  isOverdue: boolean;
  isGraceOver: boolean;
}
type Told<Event> = Event extends { readonly mailbox: MailboxSummary }
  ? Omit<Event, "mailbox"> & { readonly mailbox: Mail }
  : Event;
/** An event, milliseconds that pass, or a change of what the open guards answer. */
export type Act = Told<LaneEvent> | number | ((answers: Answers) => void);

/** The turn that the store opens. */
export const turn: LaneTurn = { id: "turn-1", cause: "message", attempt: 1, startedAt: 0 };
const nothing: Mail = {
  messages: 0,
  events: 0,
  quiet: 1,
  steering: 0,
  retry: null,
  batch: null,
  interrupt: false,
  pressing: false,
  priority: "normal",
  group: null,
};
const message: Mail = { ...nothing, messages: 1, priority: "foreground" };
const batch = { firstSeq: 7, firstMono: 0, lastMono: 0, count: 1 };
/** Messages that a lane holds before a batch waits for quiet no longer. */
export const cap = 20;
/** What may wait in a mailbox. */
export const mails = {
  nothing,
  message,
  failed: { ...message, retry: { holding: "message", at: 5 } },
  batch: { ...message, batch },
  fullBatch: { ...message, messages: cap, batch: { ...batch, count: cap } },
  steering: { ...nothing, steering: 1 },
  interrupt: { ...message, interrupt: true },
} as const satisfies Record<string, Mail>;

/** A lane with everything around it played by the test. Mailboxes are told without their version: each is newer. */
export function startLane(part: Partial<LaneInput> = {}, broken: readonly string[] = []) {
  const log: string[] = [];
  const timers = new SimulatedClock();
  const answers: Answers = { isBatchQuiet: true, isQuiet: true, isOverdue: true, isGraceOver: true };
  let version = 0;
  const mailboxOf = (mailbox: Mail): MailboxSummary => ({ version: ++version, ...mailbox });
  const play = (name: string) =>
    fromCallback<LaneEvent, EffectInput>(({ input }) => {
      if (broken.includes(name)) throw new Error(`${name} broke`);
      log.push(input.sessionKey === "chat" ? `+${name}` : `+${name} for ${input.sessionKey}`);
      return () => log.push(`-${name}`);
    });
  const say = (word: string) => () => void log.push(word);
  const machine = sessionLaneMachine.provide({
    actors: {
      claim: play("claim"),
      opening: play("opening"),
      settlement: fromCallback<LaneEvent, SettlementInput>(({ input }) => {
        if (broken.includes("settlement")) throw new Error("settlement broke");
        log.push(`+settlement ${input.conclusion}`);
        return () => log.push("-settlement");
      }),
      restart: play("restart"),
      outage: play("outage"),
    },
    actions: {
      adjustClaim: ({ context }) => void log.push(`adjust ${tellDemand(context)}`),
      startTurn: ({ context }) => void log.push(`start ${context.turn?.id}`),
      abortTurn: ({ context }) => void log.push(`abort ${context.abort}`),
      fenceTurn: say("fence"),
      releaseSlot: say("release"),
      postpone: ({ event }) => void log.push(`postpone ${event.type}`),
      resumePostponed: say("resume"),
      deferWake: say("defer wake"),
      reportStalled: say("report stalled"),
      reportRecovered: say("report recovered"),
      reportReclaimed: ({ context }) => void log.push(`report reclaimed ${context.abort}`),
    },
    guards: {
      isBatchQuiet: () => answers.isBatchQuiet,
      isQuiet: () => answers.isQuiet,
      isOverdue: () => answers.isOverdue,
      isGraceOver: () => answers.isGraceOver,
    },
    delays: { turnDeadline: ({ context }) => 3_600_000 - (timers.now() - (context.turn?.startedAt ?? 0)) },
  });
  const input: LaneInput = {
    sessionKey: "chat",
    cap,
    mailbox: mailboxOf(mails.nothing),
    wakeDue: false,
    pausedBy: { session: false, keeper: false },
    ...part,
  };
  const actor = createActor(machine, { input, clock: timers });
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  const act = (step: Act): void => {
    if (typeof step === "number") timers.increment(step);
    else if (typeof step === "function") step(answers);
    else if ("mailbox" in step) actor.send({ ...step, mailbox: mailboxOf(step.mailbox) });
    else actor.send(step);
  };
  return {
    log,
    errors,
    context: () => actor.getSnapshot().context,
    status: () => actor.getSnapshot().status,
    state: () => stateOf(actor.getSnapshot()),
    /** Sends events, lets milliseconds pass, or changes what the open guards answer; says what that led to. */
    act: (...steps: readonly Act[]): readonly [state: string, ...log: string[]] => {
      log.length = 0;
      for (const step of steps) act(step);
      return [stateOf(actor.getSnapshot()), ...log];
    },
  };
}

/** What a claim is judged by, as far as the chart knows it. */
function tellDemand({ mailbox, wakeDue }: LaneContext): string {
  const { priority, group } = mailbox;
  const demand = group === null ? priority : `${priority} of ${group}`;
  return wakeDue ? `${demand}, woken` : demand;
}

/** Everything a test can do to a lane, by short names. */
export const acts = {
  changed: (mailbox: Mail): Act => ({ type: "mailbox.changed", mailbox }),
  paused: (isPaused: boolean): Act => ({ type: "pause.changed", scope: "session", paused: isPaused }),
  resumedKeeper: { type: "pause.changed", scope: "keeper", paused: false },
  reset: { type: "session.reset" },
  abort: { type: "turn.abort" },
  close: { type: "lane.close" },
  granted: { type: "slot.granted" },
  lost: { type: "slot.lost" },
  opened: { type: "turn.opened", turn, mailbox: mails.nothing },
  withheld: { type: "turn.withheld", mailbox: mails.nothing },
  returned: { type: "turn.returned" },
  threw: { type: "turn.threw" },
  progressed: { type: "turn.progressed" },
  failed: { type: "store.failed" },
  unconfirmed: { type: "turn.unconfirmed" },
  settled: { type: "work.settled", mailbox: mails.nothing },
  restarted: { type: "session.restarted", mailbox: mails.nothing },
  wake: { type: "wake.due" },
  raised: { type: "wake.raised" },
  /** From now on an open guard holds, or does not. */
  holds:
    (guard: keyof Answers, isHeld: boolean): Act =>
    (answers) => {
      answers[guard] = isHeld;
    },
} satisfies Record<string, Act | ((...args: never[]) => Act)>;

const { abort, changed, close, failed, granted, lost, opened, paused, reset, returned } = acts;
const running = [changed(mails.message), granted, opened];
/** Milliseconds without progress until a lane is stalled, and from then until it is overdue. */
export const [stallMs, overdueMs] = [120_000, 480_000];
/** Milliseconds that a batch waits for quiet here, and that an aborted turn has to return. */
export const [debounceMs, graceMs] = [500, 15_000];

/** The way into each state, for the tests that begin there. */
export const ways = {
  idle: [],
  paused: [paused(true), changed(mails.message)],
  backingOff: [changed(mails.failed)],
  debouncing: [changed(mails.batch)],
  waiting: [changed(mails.message)],
  opening: [changed(mails.message), granted],
  running,
  "aborting, aborted": [...running, abort],
  "aborting, closed": [...running, close],
  "aborting, interrupted": [...running, changed(mails.interrupt)],
  settling: [...running, returned],
  unsettled: [...running, returned, failed],
  restarting: [reset],
  withoutStore: [changed(mails.message), granted, failed],
  stalled: [...running, stallMs],
  "stalled, aborted": [...running, stallMs, abort],
  "stalled, interrupted": [...running, stallMs, changed(mails.interrupt)],
  "stalled, overdue": [...running, stallMs, overdueMs],
  reclaimed: [...running, lost],
  "reclaimed, unsettled": [...running, lost, failed],
} satisfies Record<string, readonly Act[]>;

/** A claim in the present tense, the state it begins in, what happens, and the state and effects that follow. */
export type Row = readonly [
  claim: string,
  from: keyof typeof ways,
  steps: readonly Act[],
  ...expected: readonly string[],
];

/** A row by its parts. */
export function named([claim, from, steps, ...expected]: Row) {
  return { claim, from, steps, expected };
}

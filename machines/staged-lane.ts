import { createActor, fromCallback, SimulatedClock } from "xstate";
import { stateOf } from "./reachability.ts";
import type { EffectInput, LaneEvent, SettlementInput } from "./session-lane/session-lane.events.ts";
import type { LaneContext, LaneInput, LaneTurn, MailboxSummary } from "./session-lane/session-lane.logic.ts";
import { sessionLaneMachine } from "./session-lane/session-lane.machine.ts";

/**
 * A session lane on a stage, for the tests of its machine: its effects only say what they were asked, its time moves
 * when told, and each state has a way that leads there.
 */

export const turn: LaneTurn = { id: "turn-1", cause: "message", attempt: 1, startedAt: 0 };
export const pausedBy = { session: false, keeper: false };
export const nothing = { messages: 0, events: 0, quiet: 1, retry: null };
export const message = { ...nothing, messages: 1 };
export const failedMessage = { ...message, retry: { holding: "message", at: 5 } } as const;

/** A lane with everything around it played by the test. Mailboxes are told without their version: each is newer. */
export function startLane(part: Partial<LaneInput> = {}, broken: readonly string[] = []) {
  const log: string[] = [];
  const timers = new SimulatedClock();
  const answers = { isQuiet: true, isOverdue: true, isGraceOver: true };
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
      isQuiet: () => answers.isQuiet,
      isOverdue: () => answers.isOverdue,
      isGraceOver: () => answers.isGraceOver,
    },
    delays: { turnDeadline: ({ context }) => 3_600_000 - (timers.now() - (context.turn?.startedAt ?? 0)) },
  });
  const mailbox = mailboxOf(nothing);
  const input: LaneInput = { sessionKey: "chat", mailbox, wakeDue: false, pausedBy, ...part };
  const actor = createActor(machine, { input, clock: timers });
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  const act = (step: Act): void => {
    if (typeof step === "number") timers.increment(step);
    else if (typeof step === "function") step(answers);
    else if ("mailbox" in step) actor.send({ ...step, mailbox: mailboxOf(step.mailbox) } as LaneEvent);
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

export type Mail = Omit<MailboxSummary, "version">;
export type Answers = { isQuiet: boolean; isOverdue: boolean; isGraceOver: boolean };
type Told<Event> = Event extends { readonly mailbox: MailboxSummary }
  ? Omit<Event, "mailbox"> & { readonly mailbox: Mail }
  : Event;
export type Act = Told<LaneEvent> | number | ((answers: Answers) => void);

export const changed = (mailbox: Mail): Act => ({ type: "mailbox.changed", mailbox });
export const paused = (isPaused: boolean): Act => ({ type: "pause.changed", scope: "session", paused: isPaused });
export const reset: Act = { type: "session.reset" };
export const abort: Act = { type: "turn.abort" };
export const close: Act = { type: "lane.close" };
export const lost: Act = { type: "slot.lost" };
export const granted: Act = { type: "slot.granted" };
export const opened: Act = { type: "turn.opened", turn, mailbox: nothing };
export const returned: Act = { type: "turn.returned" };
export const threw: Act = { type: "turn.threw" };
export const progressed: Act = { type: "turn.progressed" };
export const failed: Act = { type: "store.failed" };
export const settled: Act = { type: "work.settled", mailbox: nothing };
export const restarted: Act = { type: "session.restarted", mailbox: nothing };
export const wake: Act = { type: "wake.due" };
export const no =
  (guard: keyof Answers): Act =>
  (answers) => {
    answers[guard] = false;
  };
export const yes =
  (guard: keyof Answers): Act =>
  (answers) => {
    answers[guard] = true;
  };
export const broke = (name: string): Act =>
  ({ type: `xstate.error.actor.${name}`, error: "broken" }) as unknown as LaneEvent;
export const stall = 120_000;
export const grace = 15_000;

/** The way into each state, for the tests that begin there. */
export const ways = {
  idle: [],
  paused: [paused(true), changed(message)],
  backingOff: [changed(failedMessage)],
  waiting: [changed(message)],
  opening: [changed(message), granted],
  running: [changed(message), granted, opened],
  "aborting, aborted": [changed(message), granted, opened, abort],
  "aborting, timed out": [changed(message), granted, opened, no("isQuiet"), 3_600_000],
  "aborting, closed": [changed(message), granted, opened, close],
  settling: [changed(message), granted, opened, returned],
  unsettled: [changed(message), granted, opened, returned, failed],
  restarting: [reset],
  withoutStore: [changed(message), granted, failed],
  stalled: [changed(message), granted, opened, stall],
  "stalled, aborted": [changed(message), granted, opened, stall, abort],
  "stalled, overdue": [changed(message), granted, opened, stall, 480_000],
  reclaimed: [changed(message), granted, opened, lost],
  "reclaimed, unsettled": [changed(message), granted, opened, lost, failed],
} satisfies Record<string, readonly Act[]>;


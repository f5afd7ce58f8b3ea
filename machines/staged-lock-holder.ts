import { createActor, fromCallback, SimulatedClock } from "xstate";
import type { LockEvent } from "./lock-holder/lock-holder.events.ts";
import { isBelieved, type LeaseRequest, type LockInput } from "./lock-holder/lock-holder.logic.ts";
import { lockHolderMachine } from "./lock-holder/lock-holder.machine.ts";
import { beliefEndsAt, createTerms, type Instant, renewalRetryMs } from "./lock-holder/lock-lease.ts";
import { stateOf } from "./reachability.ts";

const input: LockInput = { name: "chat", owner: "owner-1", label: null, terms: createTerms({}), once: false };

/** A holder with its line, its store and both clocks played by the test. */
export function startHolder(part: Partial<LockInput> = {}, actors: Partial<Actors> = {}) {
  const log: string[] = [];
  const asked: string[] = [];
  /** How often it had asked when it said that it waits. */
  const waits: number[] = [];
  const clock = { monotonic: 0, wall: 1_000_000 };
  const line = { isFailed: false };
  const shared: string[] = [];
  const sent: Instant[] = [];
  const timers = new SimulatedClock();
  const now = (): Instant => ({ ...clock });
  const play = (name: string) =>
    fromCallback<LockEvent, LeaseRequest>(({ input: { token } }) => {
      asked.push(token === null ? name : `${name} ${token}`);
      if (name === "acquisition") sent.push(now());
    });
  const say = (word: string) => () => void log.push(word);
  const left = (until: number | undefined) => Math.max(0, (until ?? 0) - clock.monotonic);
  const machine = lockHolderMachine.provide({
    actors: {
      acquisition: play("acquisition"),
      vacancy: play("vacancy"),
      release: play("release"),
      ...actors,
    },
    actions: {
      sendRenewal: () => {
        asked.push("renewal");
        sent.push(now());
      },
      joinLine: say("joined"),
      promptLine: say("prompted"),
      tellLine: ({ context }) => void shared.push(context.unsure ? "failed" : "taken"),
      leaveLine: say("left"),
      abortSignal: say("aborted"),
      reportUnwatched: say("unwatched"),
      reportAcquired: say("acquired"),
      reportWaiting: () => void waits.push(asked.length),
      reportRefused: ({ context }) => void log.push(`refused: ${context.refusal}`),
      reportAtRisk: say("at risk"),
      reportRecovered: say("recovered"),
      reportLost: ({ context }) => void log.push(`lost: ${context.loss}`),
      reportReleased: say("released"),
    },
    guards: {
      isUntold: () => waits.length === 0,
      isLineFailed: () => line.isFailed,
      isBeliefOver: ({ context: { lease, terms } }) =>
        lease === null || clock.monotonic >= beliefEndsAt(terms, lease.confirmed),
    },
    delays: {
      waitLimit: ({ context }) => left(context.terms.waitMs),
      renewalTime: ({ context: { lease, terms } }) =>
        left((lease?.confirmed.monotonic ?? 0) + terms.renewEveryMs),
      renewalRetry: ({ context }) => renewalRetryMs(context.terms, context.failures),
      beliefDeadline: ({ context: { lease, terms } }) =>
        left(lease === null ? 0 : beliefEndsAt(terms, lease.confirmed)),
    },
  });
  const actor = createActor(machine, { input: { ...input, ...part }, clock: timers }).start();
  const answer = () => ({ sent: sent.at(-1) ?? now(), received: now() });
  return {
    asked,
    log,
    waits,
    /** What is known of whoever is first in its line. */
    line,
    /** What it told of the store's answers to those behind it. */
    shared,
    /** Renewals sent so far. */
    renewals: () => asked.filter((word) => word === "renewal").length,
    isBelieved: () => isBelieved(actor.getSnapshot().context, now()),
    /** Sends events; the store's confirmations are given when they were asked for and came. */
    tell: (...events: readonly WithoutAnswer<LockEvent>[]) => {
      for (const event of events) actor.send({ ...answer(), ...event });
      return stateOf(actor.getSnapshot());
    },
    /** Lets time pass on both clocks. */
    pass: (ms: number) => {
      clock.monotonic += ms;
      clock.wall += ms;
      timers.increment(ms);
      return stateOf(actor.getSnapshot());
    },
    /** Lets the machine sleep, or steps the wall clock back. */
    step: (ms: number) => {
      clock.wall += ms;
    },
  };
}

type Actors = NonNullable<Parameters<typeof lockHolderMachine.provide>[0]["actors"]>;
type WithoutAnswer<Event> = Event extends { readonly sent: Instant }
  ? Omit<Event, "sent" | "received">
  : Event;

import {
  createLaneContext,
  hasWork,
  isBackingOff,
  isDebouncing,
  type MailboxSummary,
} from "@lanekeeper/machines";
import type { Settings } from "../keeper/options.ts";
import type { Lane } from "../lanes/lane.ts";
import type { LaneOptions } from "../lanes/lane-options.ts";
import type { ComingLane } from "../lanes/supervisor.ts";
import { quietInMs } from "../lanes/quiet-time.ts";
import { describeLocks } from "../locks/turn-locks.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { Explanation } from "./views.ts";

/** What an explanation is made of. */
export interface ExplanationFacts {
  readonly runtime: Runtime;
  readonly keeper: "serving" | "draining" | "closing" | "closed";
  readonly isKeeperPaused: boolean;
  readonly isSessionPaused: boolean;
  readonly isRebuilding: boolean;
  /** Of the lane, where there is none yet. */
  readonly coming: ComingLane | undefined;
  readonly lane: Lane | undefined;
}

type Blocker = Explanation["blockedBy"];

/** Why a session is not running a turn right now, or what its turn is doing (B60). */
export function explainSession(sessionKey: string, facts: ExplanationFacts): Explanation {
  const details = describe(sessionKey, facts);
  const blockedBy = findBlocker(sessionKey, facts);
  return {
    sessionKey,
    runnable: blockedBy === null,
    blockedBy,
    sentence:
      facts.runtime.storeLoss === undefined
        ? sentenceFor(blockedBy, details)
        : "The store was taken away and is another keeper's now: this one closes itself, and that one runs what waits.",
    facts: details,
  };
}

/** In the order of precedence that B60 gives. */
function findBlocker(sessionKey: string, facts: ExplanationFacts): Blocker {
  const { keeper, isKeeperPaused, isSessionPaused, isRebuilding, coming, lane } = facts;
  if (keeper === "closed" || keeper === "closing" || facts.runtime.storeLoss !== undefined) return "closed";
  if (keeper === "draining") return "draining";
  const detail = lane?.snapshot.leaf.detail;
  const isUnstartable = lane === undefined && coming?.isFailing === true;
  const isUnrecorded = detail === "busy.withoutStore" || detail?.endsWith(".unsettled") === true;
  if (isRebuilding || isUnstartable || isUnrecorded) return "store";
  if (isKeeperPaused || isSessionPaused) return "paused";
  switch (detail) {
    case undefined:
      return coming === undefined ? "nothing-to-do" : foresee(sessionKey, coming, facts.runtime);
    case "idle":
    case "asleep":
      return "nothing-to-do";
    case "busy.running":
    case "stalled.running":
    case "busy.settling":
      return "running";
    case "busy.aborting":
    case "stalled.aborting":
    case "reclaimed.settling":
      return "aborting";
    case "busy.backingOff":
      return "backoff";
    case "busy.debouncing":
      return "debounce";
    case "busy.waitingForCapacity":
      return lane!.claim?.isHeld === true ? null : (lane!.claim?.waitsFor ?? "capacity");
    default:
      return null;
  }
}

/** What a lane that is about to start will find: whether there is a slot for it is known when it asks for one. */
function foresee(
  sessionKey: string,
  { mailbox }: ComingLane,
  { wakes, heartbeats, settings, laneOptionsOf }: Runtime,
): Blocker {
  if (mailbox === undefined) return null;
  const context = createLaneContext({
    sessionKey,
    cap: laneOptionsOf(sessionKey).cap,
    mailbox,
    wakeDue: wakes.isDue(sessionKey),
    heartbeatDue: heartbeats.due(sessionKey) !== undefined,
    pausedBy: { session: false, keeper: false },
  });
  if (!hasWork(context)) return "nothing-to-do";
  if (isBackingOff(context) && (mailbox.retry?.at ?? 0) > settings.clock.now()) return "backoff";
  return isDebouncing(context) ? "debounce" : null;
}

function describe(
  sessionKey: string,
  { runtime, keeper, lane, coming, isKeeperPaused, isSessionPaused }: ExplanationFacts,
): Record<string, unknown> {
  const { settings, dispatcher, zombies, wakes, heartbeats } = runtime;
  const locks = describeLocks(runtime.locks, sessionKey);
  const wakeInMs = wakes.dueInMs(sessionKey);
  const facts: Record<string, unknown> = {
    keeper,
    running: dispatcher.held,
    capacity: dispatcher.turns,
    waitingSessions: dispatcher.waiting,
    pausedKeeper: isKeeperPaused,
    pausedSession: isSessionPaused,
    zombies: zombies.of(sessionKey),
    ...(locks.length === 0 ? {} : { locks }),
    ...(wakeInMs === undefined ? {} : { wakeInMs: Math.round(wakeInMs) }),
    ...heartbeats.factsOf(sessionKey),
  };
  if (lane === undefined) {
    Object.assign(facts, { state: "idle", detail: "idle", live: false });
    if (coming === undefined) return facts;
    facts["starting"] = true;
    if (coming.mailbox === undefined) return facts;
    const options = runtime.laneOptionsOf(sessionKey);
    return {
      ...facts,
      ...waitingIn(coming.mailbox, settings),
      ...quietOf(coming.mailbox, options, settings),
    };
  }
  const { snapshot, turn } = lane;
  const { mailbox } = snapshot.context;
  Object.assign(facts, {
    state: snapshot.leaf.state,
    detail: snapshot.leaf.detail,
    live: true,
    ...waitingIn(mailbox, settings),
    ...(lane.demand === undefined ? {} : { priority: lane.demand.priority, group: lane.demand.group }),
    ...(snapshot.leaf.detail === "busy.debouncing" ? quietOf(mailbox, lane.options, settings) : {}),
  });
  if (turn !== undefined && snapshot.context.turn !== null) {
    const now = settings.clock.monotonic();
    Object.assign(facts, {
      turnId: turn.id,
      cause: turn.cause,
      attempt: turn.attempt,
      runningMs: Math.round(now - turn.startedMono),
      silentMs: Math.round(now - turn.silentSince(now)),
      ...(turn.waitsFor.length === 0 ? {} : { waitsFor: turn.waitsFor }),
      stopReason: snapshot.context.abort,
    });
  }
  return facts;
}

function waitingIn(mailbox: MailboxSummary, { clock }: Settings): Record<string, unknown> {
  const { messages, steering, events, quiet, batch, retry } = mailbox;
  return {
    waiting: messages + steering,
    events: events + quiet,
    quietEvents: quiet,
    ...(steering === 0 ? {} : { steering }),
    ...(batch === null ? {} : { batch: batch.count }),
    ...(retry === null ? {} : { retryInMs: Math.max(0, Math.round(retry.at - clock.now())) }),
  };
}

function quietOf({ batch }: MailboxSummary, options: LaneOptions, { clock }: Settings): object {
  if (batch === null) return {};
  return { quietInMs: Math.max(0, Math.round(quietInMs(batch, options, clock.monotonic()))) };
}

function sentenceFor(blockedBy: Blocker, facts: Record<string, unknown>): string {
  const { quietEvents, runningMs, silentMs, turnId, stopReason, retryInMs, running, capacity, waitsFor } =
    facts;
  switch (blockedBy) {
    case "closed":
      return "The keeper is closed: nothing runs any more; what waits is in the store.";
    case "draining":
      return "The keeper is draining: running turns end, nothing new starts.";
    case "store":
      return "The store failed a step for this session; it is tried again by itself until it answers.";
    case "paused":
      return facts["pausedKeeper"] === true
        ? "The keeper is paused: call resume() to start what waits."
        : "The session is paused: call resume(sessionKey) to start what waits.";
    case "running":
      if (Array.isArray(waitsFor)) return `Turn ${String(turnId)} waits for ${waitsFor.join(" and ")}.`;
      return facts["state"] === "stalled"
        ? `Turn ${String(turnId)} has made no progress for ${String(silentMs)} ms: it is stalled and will be reclaimed.`
        : `Turn ${String(turnId)} has been running for ${String(runningMs)} ms; its last progress was ${String(silentMs)} ms ago.`;
    case "aborting":
      return `Turn ${String(turnId)} was told to stop (${String(stopReason)}) and has its grace to return.`;
    case "backoff":
      return `A failed turn is tried again in ${String(retryInMs)} ms.`;
    case "debounce":
      return `A batch of ${String(facts["batch"])} messages waits for quiet: it runs in ${String(facts["quietInMs"])} ms, or later if more come.`;
    case "group":
      return `Its work waits for room in group ${String(facts["group"])}, whose limit is reached.`;
    case "capacity":
      return Number(running) < Number(capacity)
        ? `Its work waits for a slot: ${String(running)} of ${String(capacity)} slots are in use, and the others are reserved for groups.`
        : `Its work waits for a slot: ${String(running)} of ${String(capacity)} slots are in use.`;
    case "nothing-to-do":
      if (typeof facts["wakeInMs"] === "number")
        return `A wake is due in ${facts["wakeInMs"]} ms; until then nothing is to do.`;
      if (typeof facts["completionsHeldMs"] === "number")
        return `A command that a heartbeat caused has ended; its completion wakes the session in ${facts["completionsHeldMs"]} ms.`;
      if (facts["live"] === false && facts["starting"] !== true)
        return "The session sleeps: nothing that may start a turn waits.";
      return Number(quietEvents ?? 0) > 0
        ? `Only events that wait for another reason to run (wake: false) are here: ${String(quietEvents)}.`
        : "There is nothing to do: no message, event or wake waits.";
    case null:
      return facts["starting"] === true
        ? "Its lane is starting: a turn follows, unless it has to wait for a slot."
        : "A turn is about to start.";
  }
}

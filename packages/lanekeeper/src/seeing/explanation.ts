import type { Lane } from "../lanes/lane.ts";
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
  readonly start: "coming" | "failing" | undefined;
  readonly lane: Lane | undefined;
}

type Blocker = Explanation["blockedBy"];

/** Why a session is not running a turn right now, or what its turn is doing (B60). */
export function explainSession(sessionKey: string, facts: ExplanationFacts): Explanation {
  const details = describe(sessionKey, facts);
  const blockedBy = findBlocker(facts);
  return {
    sessionKey,
    runnable: blockedBy === null,
    blockedBy,
    sentence: sentenceFor(blockedBy, details),
    facts: details,
  };
}

/** In the order of precedence that B60 gives. */
function findBlocker({
  keeper,
  isKeeperPaused,
  isSessionPaused,
  isRebuilding,
  start,
  lane,
}: ExplanationFacts): Blocker {
  if (keeper === "closed" || keeper === "closing") return "closed";
  if (keeper === "draining") return "draining";
  const detail = lane?.snapshot.leaf.detail;
  const isUnstartable = lane === undefined && start === "failing";
  const isUnrecorded = detail === "busy.withoutStore" || detail?.endsWith(".unsettled") === true;
  if (isRebuilding || isUnstartable || isUnrecorded) return "store";
  if (isKeeperPaused || isSessionPaused) return "paused";
  switch (detail) {
    case undefined:
      return start === undefined ? "nothing-to-do" : null;
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

function describe(
  sessionKey: string,
  { runtime, keeper, lane, isKeeperPaused, isSessionPaused }: ExplanationFacts,
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
  if (lane === undefined) return { ...facts, state: "idle", detail: "idle", live: false };
  const { snapshot, turn } = lane;
  const { mailbox } = snapshot.context;
  Object.assign(facts, {
    state: snapshot.leaf.state,
    detail: snapshot.leaf.detail,
    live: true,
    waiting: mailbox.messages + mailbox.steering,
    events: mailbox.events + mailbox.quiet,
    quietEvents: mailbox.quiet,
    ...(mailbox.steering === 0 ? {} : { steering: mailbox.steering }),
    ...(mailbox.batch === null ? {} : { batch: mailbox.batch.count }),
    ...(lane.demand === undefined ? {} : { priority: lane.demand.priority, group: lane.demand.group }),
  });
  if (snapshot.leaf.detail === "busy.debouncing" && mailbox.batch !== null) {
    const leftMs = quietInMs(mailbox.batch, lane.options, settings.clock.monotonic());
    facts["quietInMs"] = Math.max(0, Math.round(leftMs));
  }
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
  if (mailbox.retry !== null) {
    facts["retryInMs"] = Math.max(0, Math.round(mailbox.retry.at - settings.clock.now()));
  }
  return facts;
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
      if (facts["live"] === false) return "The session sleeps: nothing that may start a turn waits.";
      return Number(quietEvents ?? 0) > 0
        ? `Only events that wait for another reason to run (wake: false) are here: ${String(quietEvents)}.`
        : "There is nothing to do: no message, event or wake waits.";
    case null:
      return "A turn is about to start.";
  }
}

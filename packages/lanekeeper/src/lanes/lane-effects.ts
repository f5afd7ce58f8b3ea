import {
  conclude,
  type EffectInput,
  hasOwnWork,
  type LaneContext,
  type LaneEvent,
  sessionLaneMachine,
  type SettlementInput,
} from "@lanekeeper/machines";
import { fromCallback } from "xstate";
import type { WatchBlocked } from "../dispatch/blocked-notices.ts";
import type { Demand } from "../dispatch/dispatcher.ts";
import { higherPriority } from "../dispatch/priority.ts";
import { type Lane, laneOf } from "./lane.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import { quietInMs } from "./quiet-time.ts";
import { createOpenings } from "./opening.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { Settlements } from "../turns/settlements.ts";
import { SlotRequest } from "../dispatch/slot-request.ts";
import { backoffMs } from "../turns/verdict.ts";

/**
 * What a lane's statechart names and the runtime does: its actors, actions, delays and the guards that know the time.
 *
 * I1. An effect reports back by an event, through the queue, never by changing a lane.
 */
export interface LaneEffectsHost {
  readonly runtime: Runtime;
  readonly settlements: Settlements;
  readonly watchBlocked: WatchBlocked;
  /** What the host hears of a restart of a session that ran no turn. */
  restart(lane: Lane, restarted: (event: LaneEvent) => void): void;
}

/** Slack in milliseconds for clocks whose timers fire a fraction early. */
const slackMs = 0.5;
/** Between two tries of a step that the store failed. */
const storeRetry = { attempts: 1, baseMs: 100, maxMs: 5_000 };

/** The session lane's machine with this keeper's effects. */
export function provideLaneEffects(host: LaneEffectsHost): typeof sessionLaneMachine {
  const { runtime, settlements, watchBlocked } = host;
  const { settings, lostTime, journal, dispatcher, counters } = runtime;
  const { clock } = settings;
  const openTurn = createOpenings(runtime);
  const laneNamed = ({ sessionKey }: EffectInput): Lane => runtime.lanes.get(sessionKey)!;
  const watchStore = (lane: Lane): undefined => {
    lane.outage ??= watchBlocked(lane, "store");
  };
  const silentMs = ({ turn }: Lane): number => {
    const now = clock.monotonic();
    return lostTime.elapsed(turn?.silentSince(now) ?? now, now);
  };
  const abortingMs = ({ turn }: Lane): number => {
    const now = clock.monotonic();
    return lostTime.elapsed(turn?.abortedMono ?? now, now);
  };

  const debounceMs = (lane: Lane, { mailbox }: LaneContext): number =>
    mailbox.batch === null ? 0 : quietInMs(mailbox.batch, lane.options, clock.monotonic());

  return sessionLaneMachine.provide({
    actors: {
      claim: fromCallback<LaneEvent, EffectInput>(({ input, sendBack }) => {
        const lane = laneNamed(input);
        const demand = lane.demand!;
        // What its last turn held may never have been settled: a lane crashed meanwhile.
        runtime.awaits.resume(lane.sessionKey);
        const claim = dispatcher.claim(new SlotRequest(runtime, lane, demand, sendBack));
        lane.claim = claim;
        return claim.isHeld ? undefined : watchBlocked(lane, "capacity");
      }),
      opening: fromCallback<LaneEvent, EffectInput>(({ input, sendBack }) => {
        const lane = laneNamed(input);
        const isOver = openTurn(lane, sendBack);
        if (!isOver) watchStore(lane);
      }),
      settlement: fromCallback<LaneEvent, SettlementInput>(({ input, sendBack }) => {
        const lane = laneNamed(input);
        settlements.settle(
          lane.turn!,
          input.conclusion ?? "crashed",
          (mailbox) => {
            lane.storeAnswered();
            sendBack({ type: "work.settled", mailbox });
          },
          () => sendBack({ type: "store.failed" }),
        );
      }),
      restart: fromCallback<LaneEvent, EffectInput>(({ input, sendBack }) =>
        host.restart(laneNamed(input), sendBack),
      ),
      outage: fromCallback<LaneEvent, EffectInput>(({ input }) => watchStore(laneNamed(input))),
    },
    actions: {
      adjustClaim: ({ context, self }) => {
        const lane = laneOf(self);
        const demand = demandOf(runtime, context);
        // What the store may have opened counts in its own group, whatever waits now (B12).
        lane.demand = lane.openingTurnId === undefined ? demand : { ...demand, group: lane.openingGroup };
        lane.claim?.change(lane.demand);
      },
      startTurn: ({ context, self }) => {
        const turn = laneOf(self).turn!;
        turn.starts();
        turn.reasons = runtime.wakes.take(context.sessionKey).reasons;
        if (turn.origin === "heartbeat") runtime.heartbeats.turnStarts(turn);
        for (const item of turn.items) if (item.expiresAt !== undefined) runtime.expiries.over(item.seq);
        if (journal.isObserved) {
          const { cause, attempt, reasons, fencingToken } = turn;
          journal.emit({ type: "turn.started", ...turn.facts(), cause, attempt, reasons, fencingToken });
        }
        runtime.pulse.wake();
        runtime.queue.post(runTurn, turn);
      },
      abortTurn: ({ context, self }) => {
        const lane = laneOf(self);
        const turn = lane.turn!;
        const reason = context.abort!;
        const note = reason === "aborted" ? lane.abortNote : undefined;
        turn.stop(reason, note);
        if (journal.isObserved) {
          const graceMs = lane.options.abortGraceMs;
          journal.emit({ type: "turn.aborting", ...turn.facts(), reason, note, graceMs });
        }
        // What this outcome is was decided now, not when the code returns (B20, B28).
        if (conclude(reason, "expired") === "cancelled") {
          settlements.settle(
            turn,
            "cancelled",
            (mailbox) => runtime.tell(lane, { type: "mailbox.changed", mailbox }),
            () => {},
          );
        }
      },
      fenceTurn: ({ self }) => laneOf(self).turn?.fence(),
      releaseSlot: ({ self }) => {
        const lane = laneOf(self);
        if (lane.turn !== undefined) runtime.awaits.turnOver(lane.turn);
        lane.claim?.release();
        lane.claim = undefined;
      },
      postpone: ({ event, self }) => laneOf(self).postpone(event),
      resumePostponed: ({ self }) => {
        const lane = laneOf(self);
        for (const postponed of lane.takePostponed()) {
          if (typeof postponed === "function") runtime.queue.post(postponed);
          else runtime.tell(lane, postponed);
        }
      },
      deferWake: ({ context, self }) => {
        const lane = laneOf(self);
        const { sessionKey } = context;
        // After the step: a lane that was idle may start at once, and then nothing is deferred.
        runtime.queue.post(() => {
          const reason = deferral(runtime, lane);
          if (reason === undefined || !journal.isObserved) return;
          journal.emit({ type: "wake.deferred", at: clock.now(), sessionKey, reason });
        });
      },
      reportStalled: ({ context, self }) => {
        const turn = laneOf(self).turn!;
        turn.stalledMono = clock.monotonic();
        const { messages: waiting, events, quiet } = context.mailbox;
        const facts = {
          sessionKey: context.sessionKey,
          turnId: turn.id,
          ageMs: clock.monotonic() - turn.startedMono,
          lastProgressAt: turn.progressedAt,
          waiting,
          events: events + quiet,
        };
        journal.warn(`stalled:${context.sessionKey}`, facts, "A turn makes no progress.");
        if (journal.isObserved) journal.emit({ type: "lane.stalled", at: clock.now(), ...facts });
      },
      reportRecovered: ({ context, self }) => {
        const turn = laneOf(self).turn!;
        if (!journal.isObserved) return;
        const { sessionKey } = context;
        const stalledMs = clock.monotonic() - turn.stalledMono;
        journal.emit({ type: "lane.recovered", at: clock.now(), sessionKey, turnId: turn.id, stalledMs });
      },
      reportReclaimed: ({ context, self }) => {
        const lane = laneOf(self);
        const turn = lane.turn!;
        const reason = context.abort ?? "lost";
        counters.reclaimed++;
        lane.lastReclaim = { at: clock.now(), turnId: turn.id, reason };
        const { messages: waiting, events, quiet } = context.mailbox;
        const hasNext = waiting + events > 0 || context.wakeDue;
        const isPaused = context.pausedBy.session || context.pausedBy.keeper;
        const facts = {
          sessionKey: context.sessionKey,
          turnId: turn.id,
          reason,
          slotFreed: lane.claim?.isHeld !== true,
          isCodeRunning: turn.isCodeRunning,
          waiting,
          events: events + quiet,
          next: hasNext ? (isPaused ? ("paused" as const) : ("turn" as const)) : ("nothing" as const),
        };
        journal.warn(`reclaimed:${context.sessionKey}`, facts, "A turn was reclaimed; its slot is free.");
        if (journal.isObserved) journal.emit({ type: "lane.reclaimed", at: clock.now(), ...facts });
      },
    },
    guards: {
      isBatchQuiet: ({ context }) => debounceMs(laneNamed(context), context) <= slackMs,
      isQuiet: ({ context }) => {
        const lane = laneNamed(context);
        return silentMs(lane) >= lane.options.stallAfterMs - slackMs;
      },
      isOverdue: ({ context }) => {
        const lane = laneNamed(context);
        return silentMs(lane) >= lane.options.reclaimAfterMs - slackMs;
      },
      isGraceOver: ({ context }) => {
        const lane = laneNamed(context);
        return abortingMs(lane) >= lane.options.abortGraceMs - slackMs;
      },
    },
    delays: {
      passivation: ({ self }) => laneOf(self).options.passivateAfterMs,
      stallDeadline: ({ self }) => laneOf(self).options.stallAfterMs - silentMs(laneOf(self)),
      reclaimDeadline: ({ self }) => laneOf(self).options.reclaimAfterMs - silentMs(laneOf(self)),
      turnDeadline: ({ self }) => {
        const { turn, options } = laneOf(self);
        return options.turnTimeoutMs - (clock.monotonic() - turn!.startedMono);
      },
      abortGrace: ({ self }) => laneOf(self).options.abortGraceMs - abortingMs(laneOf(self)),
      backoff: ({ context, self }) => {
        const leftMs = (context.mailbox.retry?.at ?? 0) - clock.now();
        return Math.min(laneOf(self).options.retry.maxMs, Math.max(0, leftMs));
      },
      debounce: ({ context, self }) => debounceMs(laneOf(self), context),
      storeRetry: ({ self }) => {
        const lane = laneOf(self);
        return storeRetry.baseMs + backoffMs(lane.storeFailures++, storeRetry, settings.random);
      },
    },
  });
}

/** The demands of most lanes. */
const ungrouped = {
  foreground: { priority: "foreground", group: undefined },
  normal: { priority: "normal", group: undefined },
  background: { priority: "background", group: undefined },
} as const satisfies Record<string, Demand>;

/** What a lane's claim is judged by: the highest of all that waits, and the group of what comes first (B12, B14). */
function demandOf({ wakes, heartbeats }: Runtime, context: LaneContext): Demand {
  const { sessionKey, mailbox, wakeDue } = context;
  if (context.heartbeatDue && !hasOwnWork(context))
    return { priority: "background", group: heartbeats.due(sessionKey)?.group };
  const { messages, events, quiet, steering } = mailbox;
  const group = mailbox.group ?? undefined;
  if (!wakeDue)
    return group === undefined ? ungrouped[mailbox.priority] : { priority: mailbox.priority, group };
  const ofWake = wakes.priorityOf(sessionKey);
  const isAlone = messages + events + quiet + steering === 0;
  return { priority: isAlone ? ofWake : higherPriority(ofWake, mailbox.priority), group };
}

/** Why a wake that came due does not start a turn at once (B42); undefined if one starts. */
function deferral(
  runtime: Runtime,
  lane: Lane,
): "session-busy" | "capacity-full" | "group-full" | "paused" | "draining" | undefined {
  if (!runtime.wakes.isDue(lane.sessionKey)) return undefined;
  if (!runtime.isServing()) return "draining";
  const { detail } = lane.snapshot.leaf;
  if (detail === "busy.opening") return undefined;
  if (detail === "busy.paused") return "paused";
  if (detail === "busy.waitingForCapacity") {
    if (lane.claim?.isHeld === true) return undefined;
    return lane.claim?.waitsFor === "group" ? "group-full" : "capacity-full";
  }
  return "session-busy";
}

function runTurn(turn: LiveTurn): void {
  turn.run();
}

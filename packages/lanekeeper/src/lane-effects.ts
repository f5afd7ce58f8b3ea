import {
  type EffectInput,
  type LaneContext,
  type LaneEvent,
  sessionLaneMachine,
  type SettlementInput,
} from "@lanekeeper/machines";
import { fromCallback } from "xstate";
import type { WatchBlocked } from "./blocked-notices.ts";
import type { Lane } from "./lane.ts";
import { LiveTurn } from "./live-turn.ts";
import type { Runtime } from "./runtime.ts";
import { selectTurn } from "./selection.ts";
import type { Settlements } from "./settlements.ts";
import { backoffMs } from "./verdict.ts";

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
/** Tries of a step whose work the mailbox changed under it. */
const openTries = 3;

/** The session lane's machine with this keeper's effects. */
export function provideLaneEffects(host: LaneEffectsHost): typeof sessionLaneMachine {
  const { runtime, settlements, watchBlocked } = host;
  const { settings, lostTime, journal, dispatcher, counters } = runtime;
  const { lane: options, clock } = settings;
  const laneOf = (context: { readonly sessionKey: string }): Lane => runtime.lanes.get(context.sessionKey)!;
  const silentMs = (context: LaneContext): number => {
    const now = clock.monotonic();
    return lostTime.elapsed(laneOf(context).turn?.progressedMono ?? now, now);
  };
  const abortingMs = (context: LaneContext): number => {
    const now = clock.monotonic();
    return lostTime.elapsed(laneOf(context).turn?.abortedMono ?? now, now);
  };

  return sessionLaneMachine.provide({
    actors: {
      claim: fromCallback<LaneEvent, EffectInput>(({ input, sendBack }) => {
        const lane = laneOf(input);
        const claim = dispatcher.claim({
          sessionKey: lane.sessionKey,
          granted: () => sendBack({ type: "slot.granted" }),
          lost: () => runtime.tell(lane, { type: "slot.lost" }),
        });
        lane.claim = claim;
        return claim.isHeld ? undefined : watchBlocked(lane, "capacity");
      }),
      opening: fromCallback<LaneEvent, EffectInput>(({ input, sendBack }) =>
        openTurn(host, laneOf(input), sendBack),
      ),
      settlement: fromCallback<LaneEvent, SettlementInput>(({ input, sendBack }) => {
        const lane = laneOf(input);
        settlements.settle(
          lane.turn!,
          input.conclusion ?? "crashed",
          (mailbox) => {
            lane.storeFailures = 0;
            sendBack({ type: "work.settled", mailbox });
          },
          () => sendBack({ type: "store.failed" }),
        );
      }),
      restart: fromCallback<LaneEvent, EffectInput>(({ input, sendBack }) =>
        host.restart(laneOf(input), sendBack),
      ),
      outage: fromCallback<LaneEvent, EffectInput>(({ input }) => watchBlocked(laneOf(input), "store")),
    },
    actions: {
      startTurn: ({ context }) => {
        const turn = laneOf(context).turn!;
        turn.reasons = runtime.wakes.take(context.sessionKey).reasons;
        if (journal.isObserved) {
          const { cause, attempt, reasons, fencingToken } = turn;
          journal.emit({ type: "turn.started", ...turn.facts(), cause, attempt, reasons, fencingToken });
        }
        runtime.pulse.wake();
        runtime.queue.post(() => turn.run());
      },
      abortTurn: ({ context }) => {
        const turn = laneOf(context).turn!;
        const reason = context.abort!;
        turn.stop(reason);
        if (journal.isObserved) {
          journal.emit({ type: "turn.aborting", ...turn.facts(), reason, graceMs: options.abortGraceMs });
        }
        // The outcome of an abort or a reset is decided now, not when the code returns (B28).
        if (reason === "aborted" || reason === "reset") {
          settlements.settle(
            turn,
            "cancelled",
            () => {},
            () => {},
          );
        }
      },
      fenceTurn: ({ context }) => laneOf(context).turn?.fence(),
      releaseSlot: ({ context }) => {
        const lane = laneOf(context);
        lane.claim?.release();
        lane.claim = undefined;
      },
      postpone: ({ context, event }) => laneOf(context).postpone(event),
      resumePostponed: ({ context }) => {
        const lane = laneOf(context);
        for (const postponed of lane.takePostponed()) {
          if (typeof postponed === "function") runtime.queue.post(postponed);
          else runtime.tell(lane, postponed);
        }
      },
      deferWake: ({ context }) => {
        const lane = laneOf(context);
        const { sessionKey } = context;
        // After the step: a lane that was idle may start at once, and then nothing is deferred.
        runtime.queue.post(() => {
          const reason = deferral(runtime, lane);
          if (reason === undefined || !journal.isObserved) return;
          journal.emit({ type: "wake.deferred", at: clock.now(), sessionKey, reason });
        });
      },
      reportStalled: ({ context }) => {
        const turn = laneOf(context).turn!;
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
      reportRecovered: ({ context }) => {
        const turn = laneOf(context).turn!;
        if (!journal.isObserved) return;
        const { sessionKey } = context;
        const stalledMs = clock.monotonic() - turn.stalledMono;
        journal.emit({ type: "lane.recovered", at: clock.now(), sessionKey, turnId: turn.id, stalledMs });
      },
      reportReclaimed: ({ context }) => {
        const lane = laneOf(context);
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
      isQuiet: ({ context }) => silentMs(context) >= options.stallAfterMs - slackMs,
      isOverdue: ({ context }) => silentMs(context) >= options.reclaimAfterMs - slackMs,
      isGraceOver: ({ context }) => abortingMs(context) >= options.abortGraceMs - slackMs,
    },
    delays: {
      passivation: options.passivateAfterMs,
      stallDeadline: ({ context }) => options.stallAfterMs - silentMs(context),
      reclaimDeadline: ({ context }) => options.reclaimAfterMs - silentMs(context),
      turnDeadline: ({ context }) => {
        const turn = laneOf(context).turn!;
        return options.turnTimeoutMs - (clock.monotonic() - turn.startedMono);
      },
      abortGrace: ({ context }) => options.abortGraceMs - abortingMs(context),
      backoff: ({ context }) =>
        Math.min(options.retry.maxMs, Math.max(0, (context.mailbox.retry?.at ?? 0) - clock.now())),
      storeRetry: ({ context }) => {
        const lane = laneOf(context);
        return storeRetry.baseMs + backoffMs(lane.storeFailures++, storeRetry, settings.random);
      },
    },
  });
}

/** Why a wake that came due does not start a turn at once (B42); undefined if one starts. */
function deferral(
  runtime: Runtime,
  lane: Lane,
): "session-busy" | "capacity-full" | "paused" | "draining" | undefined {
  if (!runtime.wakes.isDue(lane.sessionKey)) return undefined;
  if (!runtime.isServing()) return "draining";
  const { detail } = lane.snapshot.leaf;
  if (detail === "busy.opening") return undefined;
  if (detail === "busy.paused") return "paused";
  if (detail === "busy.waitingForCapacity") return lane.claim?.isHeld === true ? undefined : "capacity-full";
  return "session-busy";
}

/** Lets the store open the lane's next turn. */
function openTurn(
  { runtime }: LaneEffectsHost,
  lane: Lane,
  sendBack: (event: LaneEvent) => void,
): (() => void) | undefined {
  const { mailboxes, settings, wakes } = runtime;
  const { sessionKey } = lane;
  let isLeft = false;
  const failed = (): void => sendBack({ type: "store.failed" });

  const tryOpening = (triesLeft: number): void => {
    runtime.ask(
      () => mailboxes.waiting(sessionKey),
      (waiting) => {
        if (isLeft) return;
        const isRepeated = lane.openingTurnId !== undefined;
        const wake = { isDue: wakes.isDue(sessionKey), attempts: wakes.attempts(sessionKey) };
        const selection = selectTurn(waiting, settings.lane, wake);
        if (selection === undefined && !isRepeated) return withhold();
        const turnId = (lane.openingTurnId ??= settings.createId());
        return runtime.ask(
          () =>
            mailboxes.openTurn({ sessionKey, turnId, seqs: (selection?.items ?? []).map(({ seq }) => seq) }),
          (result) => {
            if (isLeft) return;
            if (result.status === "changed") {
              if (triesLeft > 1) tryOpening(triesLeft - 1);
              else failed();
              return;
            }
            lane.openingTurnId = undefined;
            lane.storeFailures = 0;
            const chosen = isRepeated ? selectTurn(result.items, settings.lane, wake) : selection;
            const { cause, attempt } = chosen ?? { cause: "wake" as const, attempt: wake.attempts + 1 };
            const { items, fencingToken, incarnation, mailbox } = result;
            const turn = new LiveTurn(runtime, lane, {
              id: turnId,
              cause,
              attempt,
              fencingToken,
              items,
              incarnation,
            });
            lane.turn = turn;
            const { startedAt } = turn;
            sendBack({ type: "turn.opened", turn: { id: turnId, cause, attempt, startedAt }, mailbox });
          },
          failed,
        );
      },
      failed,
    );
  };
  const withhold = (): void => {
    runtime.ask(
      () => mailboxes.session(sessionKey),
      ({ mailbox }) => {
        // A mailbox that claims work but gives none would be asked for ever: that is a store that fails.
        if (mailbox.messages + mailbox.events > 0) failed();
        else sendBack({ type: "turn.withheld", mailbox });
      },
      failed,
    );
  };

  tryOpening(openTries);
  return () => {
    isLeft = true;
  };
}

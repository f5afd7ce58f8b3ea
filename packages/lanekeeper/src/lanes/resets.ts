import { tellDeadLetters } from "../seeing/dead-letter-events.ts";
import type { LaneEvent } from "@lanekeeper/machines";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Lane } from "./lane.ts";
import type { Runtime } from "../keeper/runtime.ts";

/**
 * Resets that were asked for and are not done (B36).
 *
 * I1. Every reset settles: done, failed with the store's error, or refused by close.
 * I2. A lane does one restart for each; a rebuilt lane is asked again for those its predecessor left.
 */
export interface Resets {
  /** Asks for a reset. */
  request(sessionKey: string, reason: string | undefined): Promise<void>;
  /** The lane's effect: starts a new incarnation of a session that runs no turn. */
  restart(lane: Lane, sendBack: (event: LaneEvent) => void): undefined;
  /** A reset that had to end a turn first is done. */
  done(lane: Lane): void;
  /** A reset could not be asked for. */
  failed(sessionKey: string, error: Error): void;
  /** A lane was started. */
  started(lane: Lane): void;
  close(): void;
}

interface Waiter {
  readonly reason: string | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Creates the resets of a keeper. */
export function createResets(
  runtime: Runtime,
  supervisor: { route(sessionKey: string, event: LaneEvent): void },
): Resets {
  const waiting = new Map<string, Waiter[]>();
  const { settings, journal, outcomes } = runtime;

  const take = (sessionKey: string): Waiter | undefined => {
    const waiters = waiting.get(sessionKey);
    const first = waiters?.shift();
    if (waiters?.length === 0) waiting.delete(sessionKey);
    return first;
  };
  const done = (lane: Lane): void => {
    const waiter = take(lane.sessionKey);
    if (journal.isObserved) {
      const { sessionKey, incarnation } = lane;
      journal.emit({
        type: "session.reset",
        at: settings.clock.now(),
        sessionKey,
        incarnation,
        reason: waiter?.reason,
      });
    }
    waiter?.resolve();
  };

  return {
    request: (sessionKey, reason) =>
      new Promise((resolve, reject) => {
        const waiters = waiting.get(sessionKey) ?? [];
        waiters.push({ reason, resolve, reject });
        waiting.set(sessionKey, waiters);
        supervisor.route(sessionKey, { type: "session.reset" });
      }),
    restart(lane, sendBack) {
      const { sessionKey } = lane;
      runtime.ask(
        () => runtime.mailboxes.restart({ sessionKey, dedupeMs: lane.options.dedupeMs }),
        ({ mailbox, incarnation, finished, deadLetters }) => {
          lane.incarnation = incarnation;
          for (const { seq } of finished) runtime.awaits.finished(seq);
          sendBack({ type: "session.restarted", mailbox });
          runtime.queue.post(() => {
            for (const { seq, outcome } of finished) outcomes.settle(seq, outcome);
            if (journal.isObserved) {
              const now = settings.clock.now();
              for (const { id, type } of finished) {
                if (type === "message") {
                  journal.emit({ type: "message.cancelled", at: now, sessionKey, id, reason: "reset" });
                }
              }
            }
            tellDeadLetters(journal, deadLetters);
            done(lane);
          });
        },
        (error) => {
          sendBack({ type: "store.failed" });
          take(sessionKey)?.reject(error);
        },
        undefined,
        { changes: sessionKey },
      );
      return undefined;
    },
    done,
    failed: (sessionKey, error) => take(sessionKey)?.reject(error),
    started(lane) {
      // The one that woke the lane is on its way to it already.
      const waiters = waiting.get(lane.sessionKey)?.length ?? 0;
      for (let index = 0; index < waiters; index++) {
        if (lane.isRebuilt) runtime.tell(lane, { type: "session.reset" });
      }
    },
    close() {
      const error = new LanekeeperError("CLOSED", "The keeper closed before the reset was done.");
      for (const waiters of waiting.values()) for (const { reject } of waiters) reject(error);
      waiting.clear();
    },
  };
}

import type { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";

/**
 * Says why a lane that has work does not start it: within 2 s, then every 30 s while it lasts (B32).
 *
 * I1. By a timer of its own: nothing else needs to happen.
 * I2. The log has one line per reason and 30 s, however many lanes wait.
 */
export type WatchBlocked = (lane: Lane, reason: "capacity" | "store") => () => void;

const firstMs = 2_000;
const everyMs = 30_000;

/** Creates the notices of a keeper; the function returned by each watch stops it. */
export function createBlockedNotices(runtime: Runtime): WatchBlocked {
  const { deadlines, dispatcher, journal, queue, settings } = runtime;

  const notify = (lane: Lane, reason: "capacity" | "store", since: number): void => {
    if (!runtime.isServing()) return;
    const now = settings.clock.monotonic();
    let oldest = now;
    for (const { turn } of runtime.lanes.values()) {
      if (turn !== undefined && turn.startedMono < oldest) oldest = turn.startedMono;
    }
    const facts = {
      sessionKey: lane.sessionKey,
      reason,
      capacity: dispatcher.turns,
      running: dispatcher.held,
      waiting: dispatcher.waiting,
      oldestTurnMs: now - oldest,
      blockedMs: now - since,
    };
    journal.warn(`blocked:${reason}`, facts, "A session has work that cannot start.");
    if (journal.isObserved) journal.emit({ type: "lane.blocked", at: settings.clock.now(), ...facts });
  };

  return (lane, reason) => {
    const since = settings.clock.monotonic();
    const again = (): void => {
      queue.post(() => notify(lane, reason, since));
      deadline = deadlines.arm(everyMs, again);
    };
    let deadline = deadlines.arm(firstMs, again);
    return () => deadline.cancel();
  };
}

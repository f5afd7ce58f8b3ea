import type { Deadline } from "../time/deadlines.ts";
import type { Lane } from "../lanes/lane.ts";
import { Line, type Place } from "./line.ts";
import type { Runtime } from "../keeper/runtime.ts";

/**
 * Says why a lane that has work does not start it: within 2 s, then every 30 s while it lasts (B32).
 *
 * I1. By a timer of its own: nothing else needs to happen.
 * I2. The log has one line per reason and 30 s, however many lanes wait.
 */
export type WatchBlocked = (lane: Lane, reason: "capacity" | "store") => () => void;

const firstMs = 2_000;
const everyMs = 30_000;

/** How long the answer to "which turn runs longest" is good for, in milliseconds: finding it looks at every lane. */
const oldestGoodForMs = 1_000;

interface Watch extends Place<Watch> {
  readonly lane: Lane;
  readonly reason: "capacity" | "store";
  readonly since: number;
  nextAt: number;
  hasSpoken: boolean;
  isOver: boolean;
}

/** Where a lane needs the store. */
const storeSteps: ReadonlySet<string> = new Set([
  "busy.waitingForCapacity",
  "busy.opening",
  "busy.withoutStore",
  "busy.settling",
  "busy.unsettled",
  "reclaimed.settling",
  "reclaimed.unsettled",
]);

/** Whether the lane no longer wants what the store kept from it: it was paused, cleared or ended meanwhile. */
function isPast({ lane, reason }: Watch): boolean {
  return reason === "store" && (lane.isOver || !storeSteps.has(lane.snapshot.leaf.detail));
}

/** Creates the notices of a keeper; the function returned by each watch stops it. */
export function createBlockedNotices(runtime: Runtime): WatchBlocked {
  const { deadlines, dispatcher, journal, settings } = runtime;
  // A watch that has spoken goes to `later`: each line is then in the order of its next notices, and one timer serves both.
  const first = new Line<Watch>();
  const later = new Line<Watch>();
  let deadline: Deadline | undefined;
  let dueMono = Infinity;
  let oldest = { foundAt: -Infinity, startedMono: 0 };

  const oldestTurnMs = (now: number): number => {
    if (now - oldest.foundAt >= oldestGoodForMs) {
      let startedMono = now;
      for (const { turn } of runtime.lanes.values()) {
        if (turn !== undefined && turn.startedMono < startedMono) ({ startedMono } = turn);
      }
      oldest = { foundAt: now, startedMono };
    }
    return now - oldest.startedMono;
  };

  const notify = ({ lane, reason, since }: Watch, now: number): void => {
    const facts = {
      sessionKey: lane.sessionKey,
      reason: reason === "capacity" ? (lane.claim?.waitsFor ?? reason) : reason,
      capacity: dispatcher.turns,
      running: dispatcher.held,
      waiting: dispatcher.waiting,
      oldestTurnMs: oldestTurnMs(now),
      blockedMs: now - since,
    };
    journal.warn(`blocked:${facts.reason}`, facts, "A session has work that cannot start.");
    if (journal.isObserved) journal.emit({ type: "lane.blocked", at: settings.clock.now(), ...facts });
  };

  const speak = (): void => {
    deadline = undefined;
    dueMono = Infinity;
    const now = settings.clock.monotonic();
    for (const watches of [first, later]) {
      for (let watch = watches.first; watch !== undefined && watch.nextAt <= now; watch = watches.first) {
        watches.remove(watch);
        if (isPast(watch)) {
          watch.isOver = true;
          watch.lane.outage = undefined;
          continue;
        }
        watch.nextAt = now + everyMs;
        watch.hasSpoken = true;
        later.add(watch);
        if (runtime.isServing()) notify(watch, now);
      }
    }
    arm(now);
  };
  const arm = (now: number): void => {
    let nextAt = Infinity;
    for (const watches of [first, later]) {
      nextAt = Math.min(nextAt, watches.first?.nextAt ?? Infinity);
    }
    if (nextAt >= dueMono) return;
    deadline?.cancel();
    dueMono = nextAt;
    deadline = deadlines.arm(nextAt - now, speak);
  };

  return (lane, reason) => {
    const since = settings.clock.monotonic();
    const watch: Watch = {
      lane,
      reason,
      since,
      nextAt: since + firstMs,
      hasSpoken: false,
      isOver: false,
      previous: undefined,
      next: undefined,
    };
    first.add(watch);
    if (watch.nextAt < dueMono) arm(since);
    return () => {
      if (watch.isOver) return;
      watch.isOver = true;
      (watch.hasSpoken ? later : first).remove(watch);
    };
  };
}

import type { LanekeeperEvent } from "lanekeeper";
import type { Step } from "./step.ts";

/** What the instants of a recording may be off by. */
export interface Tolerance {
  /** How late a timer may fire, in milliseconds. */
  readonly latenessMs: number;
  /** How much earlier than it was recorded something may have happened, in milliseconds. */
  readonly earlyMs: number;
}

/**
 * What a recording says about a keeper's time: in which of it nothing could run, and when its wall clock was stepped.
 *
 * I1. Lost time counts once, however many timers it made late (B26a).
 */
export class KeeperTime {
  /** How late a timer may fire, in milliseconds, and nothing is wrong. */
  readonly latenessMs: number;
  readonly #earlyMs: number;
  readonly #lost: { readonly from: number; readonly to: number }[] = [];
  /** Orders at which the wall clock was seen to be elsewhere than before, and the last at which it was not. */
  readonly #steps: { readonly after: number; readonly until: number }[] = [];
  #last: { readonly order: number; readonly offset: number } | undefined;

  constructor({ latenessMs, earlyMs }: Tolerance) {
    this.latenessMs = latenessMs;
    this.#earlyMs = earlyMs;
  }

  /** Nothing ran in the time before a step. */
  lose({ at }: Step, lostMs: number): void {
    const from = Math.max(at - lostMs, this.#lost.at(-1)?.to ?? -Infinity);
    if (from < at) this.#lost.push({ from, to: at });
  }

  /** An event told the time of the wall clock. */
  note({ order, at }: Step, event: LanekeeperEvent): void {
    if (isRetold(event)) return;
    const offset = event.at - at;
    const last = this.#last;
    if (last !== undefined && Math.abs(offset - last.offset) > driftMs)
      this.#steps.push({ after: last.order, until: order });
    this.#last = { order, offset };
  }

  /** Milliseconds between two instants in which something could run. */
  elapsed(from: number, to: number): number {
    let lost = 0;
    for (const stretch of this.#lost) {
      if (stretch.to > from && stretch.from < to)
        lost += Math.min(stretch.to, to) - Math.max(stretch.from, from);
    }
    return Math.max(0, to - from - lost);
  }

  /** Whether so much time has passed that a deadline in it must have been kept: more than timers may be late. */
  isOverdue(from: number, deadlineMs: number, now: number): boolean {
    const leastMs = deadlineMs + this.latenessMs + roundingMs;
    return now - from > leastMs && this.elapsed(from, now) > leastMs;
  }

  /** Whether an instant is before another, for certain. */
  isBefore(at: number, other: number): boolean {
    return at < other - this.#earlyMs - roundingMs;
  }

  /** Whether less time has passed than a deadline must have taken, of that in which something could run. */
  isTooSoon(from: number, deadlineMs: number, now: number): boolean {
    return this.elapsed(from, now) < deadlineMs - this.#earlyMs - roundingMs;
  }

  /** Whether, for all that is known, the wall clock went with the monotonic one between two steps. */
  isSteady(from: number, to: number): boolean {
    return !this.#steps.some(({ after, until }) => until > from && after < to);
  }
}

/** What a wall clock and a monotonic one may differ by and go together, in milliseconds. */
const driftMs = 2;

/** What rounding to whole milliseconds may add to a deadline that is armed twice, or take from one. */
const roundingMs = 2;

/** Events whose instant is not that of their telling. */
function isRetold({ type }: LanekeeperEvent): boolean {
  return type.startsWith("exec.") || type.startsWith("heartbeat.") || type === "deadLetter.added";
}

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
  readonly #lost: Stretch[] = [];
  /** The same, and the stretches in which nothing was recorded: the keeper may have slept, and not have said so yet. */
  readonly #still: Stretch[] = [];
  #lastAt: number | undefined;
  /** Orders at which the wall clock was seen to be elsewhere than before, and the last at which it was not. */
  readonly #steps: { readonly after: number; readonly until: number }[] = [];
  #last: { readonly order: number; readonly offset: number } | undefined;

  constructor({ latenessMs, earlyMs }: Tolerance) {
    this.latenessMs = latenessMs;
    this.#earlyMs = earlyMs;
  }

  /** Nothing ran in the time before a step. */
  lose({ at }: Step, lostMs: number): void {
    add(this.#lost, at - lostMs, at);
    add(this.#still, at - lostMs, at);
  }

  /** Something was recorded. */
  pass(at: number): void {
    if (this.#lastAt !== undefined && at - this.#lastAt > Math.max(this.latenessMs, tickMs))
      add(this.#still, this.#lastAt, at);
    this.#lastAt = at;
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

  /** Whether so much time has passed that a deadline in it must have been kept: more than timers may be late. */
  isOverdue(from: number, deadlineMs: number, now: number): boolean {
    const leastMs = deadlineMs + this.latenessMs + roundingMs;
    return now - from > leastMs && without(this.#still, from, now) > leastMs;
  }

  /** Whether an instant is before another, for certain. */
  isBefore(at: number, other: number): boolean {
    return at < other - this.#earlyMs - roundingMs;
  }

  /** Whether less time has passed than a deadline must have taken, of that in which something could run. */
  isTooSoon(from: number, deadlineMs: number, now: number): boolean {
    return without(this.#lost, from, now) < deadlineMs - this.#earlyMs - roundingMs;
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

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** While turns run something is recorded this often, in milliseconds (B26a). */
const tickMs = 1_000;

/** Adds a stretch behind the others, but for what they cover. */
function add(stretches: Stretch[], begins: number, to: number): void {
  const from = Math.max(begins, stretches.at(-1)?.to ?? -Infinity);
  if (from < to) stretches.push({ from, to });
}

/** Milliseconds between two instants that are in none of the stretches. */
function without(stretches: readonly Stretch[], from: number, to: number): number {
  let lost = 0;
  for (const stretch of stretches) {
    if (stretch.to > from && stretch.from < to)
      lost += Math.min(stretch.to, to) - Math.max(stretch.from, from);
  }
  return Math.max(0, to - from - lost);
}

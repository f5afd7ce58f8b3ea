import type { LanekeeperError } from "lanekeeper";

/**
 * Steps that are taken now and answered together, once a commit has made them last.
 *
 * I1. A step is answered when what it did, and what it saw, is in the file; if the commit fails, all of it is undone and
 *     every step of it is refused.
 * I2. What was asked for in one turn of the event loop shares one commit, up to a bound. Answers come when that turn ends,
 *     so that whoever asks on and on keeps no timer from firing.
 * I3. After a commit that failed each of the next steps has a commit of its own: what cannot be kept does not take what can
 *     be with it.
 */
export interface GroupCommit {
  /** Whether steps wait for a commit, or for their answers. */
  readonly isOpen: boolean;
  /** The answer of a step that was just taken. */
  answer<T>(value: T): Promise<T>;
  /** Commits what waits. */
  commit(): void;
  /** Undoes what waits, and refuses every step of it. */
  fail(error: LanekeeperError): void;
  /** Lets commits wait until `release`, as while a backup copies pages. */
  hold(): void;
  /** Makes the commit that waits. */
  release(): void;
}

/** What a commit is made of. */
export interface Committing {
  /** Makes what was done last. Throws, and it is not. */
  commit(): void;
  undo(): void;
  /** A commit was made, or failed. */
  ended(): void;
  toError(error: unknown): LanekeeperError;
}

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: LanekeeperError) => void;
  readonly value: unknown;
}

/** Steps that share one commit at most. */
const stepsAtMost = 1_000;
/** Steps after a failure that share none, at least. */
const stepsAlone = 100;

/** Nothing waits yet. */
export function createGroupCommit(committing: Committing): GroupCommit {
  let waiters: Waiter[] = [];
  /** Steps of full commits, made within this turn of the event loop: they last, and are answered when it ends. */
  let lasting: Waiter[] = [];
  let isHeld = false;
  let isScheduled = false;
  /** Steps that are still to have a commit of their own. */
  let cautious = 0;

  const answerLasting = (): void => {
    const answered = lasting;
    lasting = [];
    for (const { resolve, value } of answered) resolve(value);
  };
  const fail = (error: LanekeeperError): void => {
    answerLasting();
    const refused = waiters;
    waiters = [];
    cautious = Math.max(stepsAlone, refused.length);
    committing.undo();
    for (const { reject } of refused) reject(error);
    committing.ended();
  };
  const keep = (): void => {
    if (waiters.length === 0) return;
    try {
      committing.commit();
    } catch (error) {
      fail(committing.toError(error));
      return;
    }
    lasting.push(...waiters);
    waiters = [];
    cautious = Math.max(0, cautious - 1);
    committing.ended();
  };
  const commit = (): void => {
    keep();
    answerLasting();
  };
  const whenTurnEnds = (): void => {
    isScheduled = false;
    if (isHeld) answerLasting();
    else commit();
  };

  return {
    get isOpen() {
      return waiters.length + lasting.length > 0;
    },
    answer<T>(value: T): Promise<T> {
      const answered = new Promise<T>((resolve, reject) => {
        waiters.push({ resolve: resolve as (value: unknown) => void, reject, value });
      });
      if (!isHeld && cautious > 0) commit();
      else if (!isHeld && waiters.length >= stepsAtMost) keep();
      if (!isScheduled && waiters.length + lasting.length > 0) {
        isScheduled = true;
        setImmediate(whenTurnEnds);
      }
      return answered;
    },
    commit,
    fail,
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      commit();
    },
  };
}

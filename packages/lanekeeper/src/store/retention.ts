import type { Deadline } from "../time/deadlines.ts";
import type { Forgetting } from "../lanes/forgetting.ts";
import type { Runtime } from "../keeper/runtime.ts";

/**
 * Lets the store forget what it need not remember any longer: ids, dead letters, sessions with nothing left (B11, B23). By a
 * timer that is armed only while there is something.
 */
export interface Retention {
  /** A session is used: an id of it is remembered for so many milliseconds, and the session itself as long as it may be. */
  used(rememberedMs: number): void;
  /** A session may have come to be known in which nothing was accepted. */
  noteSession(): void;
}

/** The least and the most time between two sweeps, in milliseconds. */
const shortestMs = 1_000;
const longestMs = 3_600_000;
/** Sessions that are forgotten in one sweep; the next goes on. */
const forgottenAtOnce = 1_000;

/** Creates the retention of a keeper. */
export function createRetention(runtime: Runtime, forgetting: Forgetting): Retention {
  const { settings, deadlines } = runtime;
  const { forgetAfterMs } = settings;
  let deadline: Deadline | undefined;
  let dueMono = Infinity;
  /** The delay of the armed deadline: one as long or longer ends later, whenever it begins. */
  let armedMs = Infinity;
  /** When sessions are looked through next (monotonic milliseconds): all of them, so not at each sweep. */
  let lookMono = -Infinity;

  const arm = (ms: number): void => {
    const delayMs = Math.min(longestMs, Math.max(shortestMs, ms));
    if (delayMs >= armedMs) return;
    const due = settings.clock.monotonic() + delayMs;
    if (due >= dueMono) return;
    deadline?.cancel();
    dueMono = due;
    armedMs = delayMs;
    deadline = deadlines.arm(delayMs, sweep);
  };
  const sweep = (): void => {
    dueMono = armedMs = Infinity;
    runtime.ask(
      () => runtime.mailboxes.sweep(),
      (next) => {
        if (next !== undefined) arm(next - settings.clock.now());
        if (forgetAfterMs > 0) forgetUnused();
      },
      () => arm(longestMs),
    );
  };
  const lookAgainIn = (ms: number): void => {
    lookMono = Math.min(lookMono, settings.clock.monotonic() + Math.min(longestMs, ms));
    arm(ms);
  };
  const forgetUnused = (): void => {
    const now = settings.clock.monotonic();
    if (now < lookMono) {
      arm(lookMono - now);
      return;
    }
    // What is used from now on is not unused before then.
    lookMono = now + Math.min(longestMs, forgetAfterMs);
    const before = settings.clock.now() - forgetAfterMs;
    runtime.look(
      () => runtime.mailboxes.unused({ before, limit: forgottenAtOnce }),
      ({ sessionKeys, nextUsedAt }) => {
        if (nextUsedAt !== undefined) lookAgainIn(Math.max(shortestMs, nextUsedAt - before));
        // Others may be due; one that is kept for another reason is asked for again, though not at once.
        if (sessionKeys.length > 0)
          lookAgainIn(sessionKeys.length < forgottenAtOnce ? longestMs : shortestMs);
        for (const sessionKey of sessionKeys) void forgetting.forget(sessionKey).catch(() => {});
      },
      () => lookAgainIn(longestMs),
    );
  };
  return {
    noteSession() {
      if (forgetAfterMs > 0) arm(forgetAfterMs);
    },
    used(rememberedMs) {
      arm(rememberedMs);
      if (forgetAfterMs > 0) arm(forgetAfterMs);
    },
  };
}

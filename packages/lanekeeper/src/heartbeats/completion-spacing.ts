import type { MailboxSummary } from "@lanekeeper/machines";
import type { Deadline } from "../time/deadlines.ts";
import type { Runtime } from "../keeper/runtime.ts";

/**
 * Completions of commands that a heartbeat caused wake their session at most once per `minSpacingMs`, so that no heartbeat
 * keeps itself busy (B39).
 *
 * I1. One that may not wake is in the mailbox all the same: whatever turn starts takes it along.
 * I2. One that is held back is released so long after the last start of such a turn, unless a heartbeat is due then: its turn
 *     is on the way.
 * I3. What is kept of a session is forgotten when its spacing is over and nothing was held back.
 */
export interface CompletionSpacing {
  /** Whether a completion may wake its session now; if so, none after it may for a while. */
  mayWake(sessionKey: string): boolean;
  /** A turn of heartbeat origin has started: the spacing begins anew. */
  started(sessionKey: string): void;
  /** An earlier keeper may have held something back in a session. */
  recovered(sessionKey: string): void;
  /** Milliseconds until what is held back may start a turn; undefined if nothing is. */
  heldInMs(sessionKey: string): number | undefined;
}

interface Spacing {
  untilMono: number;
  deadline: Deadline;
  isHolding: boolean;
}

/** Milliseconds until a store that failed is asked again. */
const againMs = 1_000;

/** Creates the spacing of a keeper. `released` tells a session's lane what may start a turn now. */
export function createCompletionSpacing(
  runtime: Runtime,
  host: {
    spacingOf(sessionKey: string): number;
    /** Whether a heartbeat is to start a turn there. */
    isDue(sessionKey: string): boolean;
    released(sessionKey: string, mailbox: MailboxSummary): void;
  },
): CompletionSpacing {
  const spacings = new Map<string, Spacing>();
  const { clock } = runtime.settings;

  const begin = (sessionKey: string, delayMs: number, isHolding: boolean): void => {
    spacings.get(sessionKey)?.deadline.cancel();
    if (delayMs <= 0 && !isHolding) {
      spacings.delete(sessionKey);
      return;
    }
    spacings.set(sessionKey, {
      untilMono: clock.monotonic() + delayMs,
      deadline: runtime.deadlines.arm(delayMs, over, sessionKey),
      isHolding,
    });
  };
  const over = (sessionKey: string): void => {
    const wasHolding = spacings.get(sessionKey)?.isHolding === true;
    spacings.delete(sessionKey);
    if (!wasHolding) return;
    if (host.isDue(sessionKey)) begin(sessionKey, host.spacingOf(sessionKey), true);
    else runtime.ask(release, released, failed, sessionKey);
  };
  const release = (sessionKey: string) => runtime.mailboxes.releaseCompletions(sessionKey);
  const released = (
    { mailbox, released: count }: { readonly mailbox: MailboxSummary; readonly released: number },
    sessionKey: string,
  ): void => {
    if (count === 0) return;
    const isHolding = spacings.get(sessionKey)?.isHolding === true;
    begin(sessionKey, host.spacingOf(sessionKey), isHolding);
    host.released(sessionKey, mailbox);
  };
  const failed = (_: unknown, sessionKey: string): void => begin(sessionKey, againMs, true);

  return {
    mayWake(sessionKey) {
      const spacing = spacings.get(sessionKey);
      if (spacing !== undefined) {
        spacing.isHolding = true;
        return false;
      }
      const isDue = host.isDue(sessionKey);
      begin(sessionKey, host.spacingOf(sessionKey), isDue);
      return !isDue;
    },
    started(sessionKey) {
      begin(sessionKey, host.spacingOf(sessionKey), spacings.get(sessionKey)?.isHolding === true);
    },
    recovered: (sessionKey) => begin(sessionKey, host.spacingOf(sessionKey), true),
    heldInMs(sessionKey) {
      const spacing = spacings.get(sessionKey);
      if (spacing?.isHolding !== true) return undefined;
      return Math.max(0, spacing.untilMono - clock.monotonic());
    },
  };
}

import type { Deadline } from "../time/deadlines.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { StoredItem } from "../store/store.ts";

/**
 * Messages that are dropped unless a turn starts on them in time (B22, B13).
 *
 * I1. Each has a deadline of its own, whatever its lane does, from its acceptance, or from its store's being opened,
 *     until a turn holds it or it has ended.
 */
export interface Expiries {
  /** Waits for the expiry of an item, if it has one and no turn has held it. */
  watch(item: StoredItem): void;
  /** These were started, or have ended. */
  over(seq: number): void;
}

/** Milliseconds until a step that the store failed is tried again. */
const againMs = 1_000;

/** Creates the expiries of a keeper. */
export function createExpiries(runtime: Runtime): Expiries {
  const { deadlines, settings, journal, passages } = runtime;
  const watched = new Map<number, Deadline>();

  const arm = (item: StoredItem, delayMs: number): void =>
    void watched.set(item.seq, deadlines.arm(delayMs, expire, item));
  const expire = (item: StoredItem): void => void drop(item);
  const drop = async (item: StoredItem): Promise<void> => {
    const { sessionKey, seq, meta } = item;
    watched.delete(seq);
    try {
      const outcome = { status: "dropped", reason: "expired" } as const;
      const request = { sessionKey, seqs: [seq], events: false, isFresh: true, outcome };
      for (const { id } of await passages.through(runtime.withdrawals.withdraw(request))) {
        if (!journal.isObserved) continue;
        journal.emit({
          type: "message.dropped",
          at: settings.clock.now(),
          sessionKey,
          id,
          meta,
          reason: "expired",
        });
      }
    } catch {
      // The store says so itself, and goes on by itself.
      arm(item, againMs);
    }
  };
  return {
    watch(item) {
      if (item.expiresAt === undefined || item.lastTurnId !== undefined || watched.has(item.seq)) return;
      arm(item, Math.max(0, item.expiresAt - settings.clock.now()));
    },
    over(seq) {
      if (watched.size === 0) return;
      watched.get(seq)?.cancel();
      watched.delete(seq);
    },
  };
}

import type { Runtime } from "../keeper/runtime.ts";
import type { SettledItem } from "../store/store.ts";
import type { Supervisor } from "../lanes/supervisor.ts";
import type { Outcome } from "./outcome.ts";

/**
 * Work that is taken back while it waits: cancelled, cleared, or expired.
 *
 * I1. What a turn has taken is not withdrawn, and what is being withdrawn is not taken: whichever is asked first wins.
 * I2. A store that fails leaves everything as it was.
 */
export interface Withdrawals {
  /** Finishes waiting work, and tells its lane and whoever awaits it. Rejects with the store's error. */
  withdraw(request: Withdrawal): Promise<readonly SettledItem[]>;
}

/** What is to be withdrawn from a session. */
export interface Withdrawal {
  readonly sessionKey: string;
  /** Without: the waiting messages, and with `events` the host's events. */
  readonly seqs?: readonly number[] | undefined;
  readonly events: boolean;
  /** Only what no turn has held. */
  readonly isFresh: boolean;
  readonly outcome: Outcome;
}

/** Creates the withdrawals of a keeper. `inform` tells a session's lane what its mailbox holds. */
export function createWithdrawals(runtime: Runtime, inform: Supervisor["inform"]): Withdrawals {
  const { outcomes, awaits, lanes, queue, passages } = runtime;
  return {
    async withdraw(request) {
      const { sessionKey, seqs } = request;
      const { dedupeMs } = runtime.laneOptionsOf(sessionKey);
      const putBack = lanes.get(sessionKey)?.turn?.steering.withhold(seqs);
      let withdrawn: readonly number[] = [];
      try {
        const answer = runtime.request(() => runtime.mailboxes.withdraw({ ...request, dedupeMs }), {
          changes: sessionKey,
        });
        const result = answer instanceof Promise ? await passages.through(answer) : answer;
        withdrawn = result.withdrawn.map(({ seq }) => seq);
        inform(sessionKey, result.mailbox);
        for (const { seq } of result.withdrawn) awaits.finished(seq);
        queue.post(() => {
          for (const { seq, outcome } of result.withdrawn) outcomes.settle(seq, outcome);
        });
        return result.withdrawn;
      } finally {
        putBack?.(withdrawn);
      }
    },
  };
}

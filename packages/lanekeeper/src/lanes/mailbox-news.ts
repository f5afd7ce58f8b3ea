import type { MailboxSummary } from "@lanekeeper/machines";
import type { RunQueue } from "../keeper/run-queue.ts";

/**
 * What lanes are to be told of their mailboxes.
 *
 * I1. Of what comes for a session before it is told, only the newest is told.
 * I2. Nothing is told before `begin`.
 */
export interface MailboxNews {
  /** Whether nothing is to be told. */
  readonly isEmpty: boolean;
  /** Tells what was posted, and from now on whatever is. */
  begin(): void;
  /** Tells of a mailbox in a step of its own. */
  post(sessionKey: string, mailbox: MailboxSummary): void;
  /** What a session is about to be told, if anything. */
  of(sessionKey: string): MailboxSummary | undefined;
}

/** Nothing is to be told yet. */
export function createMailboxNews(
  queue: RunQueue,
  tell: (sessionKey: string, mailbox: MailboxSummary) => void,
): MailboxNews {
  const newest = new Map<string, { mailbox: MailboxSummary }>();
  let hasBegun = false;
  const tellNewest = (sessionKey: string): void => {
    const { mailbox } = newest.get(sessionKey)!;
    newest.delete(sessionKey);
    tell(sessionKey, mailbox);
  };
  return {
    get isEmpty() {
      return newest.size === 0;
    },
    begin() {
      hasBegun = true;
      for (const sessionKey of newest.keys()) queue.post(tellNewest, sessionKey);
    },
    post(sessionKey, mailbox) {
      const queued = newest.get(sessionKey);
      if (queued === undefined) {
        newest.set(sessionKey, { mailbox });
        if (hasBegun) queue.post(tellNewest, sessionKey);
      } else if (queued.mailbox.version < mailbox.version) {
        queued.mailbox = mailbox;
      }
    },
    of: (sessionKey) => newest.get(sessionKey)?.mailbox,
  };
}

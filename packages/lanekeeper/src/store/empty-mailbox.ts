import type { MailboxSummary } from "@lanekeeper/machines";

/**
 * The mailbox of a session that the store does not know, or no longer: its version is that of the last change of any
 * mailbox, so that late news of what it once held is not taken for newer.
 */
export function emptyMailbox({ version }: { readonly version: number }): MailboxSummary {
  return {
    version,
    messages: 0,
    events: 0,
    quiet: 0,
    steering: 0,
    retry: null,
    batch: null,
    interrupt: false,
    pressing: false,
    priority: "normal",
    group: null,
  };
}

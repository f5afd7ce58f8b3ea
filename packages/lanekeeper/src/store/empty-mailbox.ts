import type { MailboxSummary } from "@lanekeeper/machines";

/** The mailbox of a session in which nothing was ever accepted. */
export const emptyMailbox: MailboxSummary = {
  version: 0,
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

/** What every mailbox store does the same, for those who keep mailboxes elsewhere than in memory. */
export { createMailboxSteps, type MailboxSteps } from "./store/mailbox-steps.ts";
export {
  type KnownEntry,
  MailboxSession,
  type OpenTurn,
  type RememberedItem,
  type SettledTurn,
  type StoreCounts,
} from "./store/mailbox-session.ts";
export {
  type DeadLetterShelf,
  type ExecutionTable,
  type HeartbeatTable,
  MailboxState,
} from "./store/mailbox-state.ts";
export { knownName } from "./store/known-name.ts";

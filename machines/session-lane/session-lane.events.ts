import type { LaneTurn, MailboxSummary } from "./session-lane.logic.ts";

/** What a session lane understands. */
export type LaneEvent =
  | { readonly type: "mailbox.changed"; readonly mailbox: MailboxSummary }
  | { readonly type: "wake.due" }
  /** Its agent's heartbeat asks for a turn. */
  | { readonly type: "heartbeat.due" }
  /** And asks no longer. */
  | { readonly type: "heartbeat.withdrawn" }
  | { readonly type: "wake.raised" }
  | { readonly type: "pause.changed"; readonly scope: "session" | "keeper"; readonly paused: boolean }
  | { readonly type: "session.reset" }
  | { readonly type: "session.restarted"; readonly mailbox: MailboxSummary }
  | { readonly type: "slot.granted" }
  | { readonly type: "slot.lost" }
  | { readonly type: "turn.opened"; readonly turn: LaneTurn; readonly mailbox: MailboxSummary }
  | { readonly type: "turn.withheld"; readonly mailbox: MailboxSummary }
  /** The store failed to say whether it has opened it. */
  | { readonly type: "turn.unconfirmed" }
  | { readonly type: "turn.progressed" }
  | { readonly type: "turn.returned" }
  | { readonly type: "turn.threw" }
  | { readonly type: "turn.abort" }
  | { readonly type: "lane.close" }
  | { readonly type: "work.settled"; readonly mailbox: MailboxSummary }
  | { readonly type: "store.failed" };

import type { MailboxSummary } from "@lanekeeper/machines";
import type { Answer } from "./store.ts";

/** What a store does for heartbeats, besides keeping the origin of items and commands. */
export interface HeartbeatKeeping {
  /**
   * Lets a session's completions of heartbeat origin start turns from now on, those included that a turn holds (B39).
   * Answers how many could not before.
   */
  releaseCompletions(
    sessionKey: string,
  ): Answer<{ readonly mailbox: MailboxSummary; readonly released: number }>;
  /** What is kept of each agent's heartbeats (B56). */
  heartbeats(): Answer<readonly HeartbeatState[]>;
  /** Replaces what is kept of an agent's heartbeats. */
  recordHeartbeat(state: HeartbeatState): Answer<void>;
}

/** What must outlive a keeper of an agent's heartbeats. */
export interface HeartbeatState {
  readonly agent: string;
  readonly isEnabled: boolean;
  /** The latest starts, oldest first, at most five; epoch milliseconds. */
  readonly starts: readonly number[];
}

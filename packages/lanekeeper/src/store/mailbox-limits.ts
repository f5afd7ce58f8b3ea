import type { StoredItem } from "./store.ts";

/** How many items of each type may wait in one session, and what happens beyond. */
export interface MailboxLimits {
  readonly cap: number;
  readonly eventCap: number;
  readonly overflow: "reject" | "drop-oldest" | "drop-newest" | "summarize";
  /** A line for a message that is dropped with `overflow: "summarize"`. Never throws. */
  readonly summarize: (item: Pick<StoredItem, "body">) => string;
  /** How many items may wait over all sessions. */
  readonly backlog: number | undefined;
  /** How long the ids of what this step finishes are remembered, in milliseconds. */
  readonly dedupeMs: number;
}

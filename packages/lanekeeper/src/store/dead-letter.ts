import type { Priority } from "../dispatch/priority.ts";

/** Work that was given up, kept so that nothing vanishes. The last 10,000 are kept, for at most 30 days. */
export interface DeadLetter {
  readonly id: string;
  readonly sessionKey: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Why it was given up: the error's message, `stalled`, `timeout`, `crashed`, `aborted` or `stale-incarnation`. */
  readonly reason: string;
  /** Turns that held it. */
  readonly attempts: number;
  /** The work itself; one item. `redrive` accepts it again as it stands here. */
  readonly items: readonly DeadLetterItem[];
}

/** A message or an event that was given up, as it was accepted. */
export interface DeadLetterItem {
  /** The order of its acceptance over the whole store. */
  readonly seq: number;
  /** Its own; of a command's completion the `execId`. */
  readonly id: string;
  readonly sessionKey: string;
  readonly type: "message" | "event";
  /** The message, or the event's body; of a command's completion an `ExecCompletion`. */
  readonly body: unknown;
  /** Of an event, `exec.completed` of a command's completion; undefined of a message. */
  readonly kind?: string | undefined;
  /** Of an event that the newest of its key replaced. */
  readonly key?: string | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
  readonly priority: Priority;
  readonly group?: string | undefined;
  /** Whether it may start a turn by itself. */
  readonly wakes: boolean;
  /** Of a command's completion: the incarnation of its session that had started the command. */
  readonly incarnation?: number | undefined;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** Turns that held it. */
  readonly attempts: number;
}

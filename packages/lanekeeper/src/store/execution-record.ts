import type { ProcessIdentity } from "../commands/processes.ts";
import type { Origin } from "../heartbeats/origin.ts";

/** A command that was started or announced. */
export interface ExecutionRecord {
  readonly execId: string;
  readonly sessionKey: string;
  /** The session's when it was started; undefined: whichever it is when it is reported. */
  readonly incarnation: number | undefined;
  readonly command: string | undefined;
  readonly startedAt: number;
  /** Of an announced one: epoch milliseconds after which it counts as lost. */
  readonly dueAt: number | undefined;
  /** Of the turn that started it; absent: "person". */
  readonly origin?: Origin | undefined;
  /** Of a running one, as soon as it is known. */
  readonly process?: ProcessIdentity | undefined;
  readonly state: "running" | "announced" | "completed";
}

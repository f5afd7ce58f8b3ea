import type { HeartbeatAbort } from "./heartbeat-runner.logic.ts";

/** What a heartbeat runner understands; `at` is epoch milliseconds. */
export type HeartbeatEvent =
  | { readonly type: "heartbeat.request"; readonly at: number }
  | { readonly type: "heartbeat.enable"; readonly at: number }
  | { readonly type: "heartbeat.disable"; readonly at: number }
  | { readonly type: "clock.read"; readonly at: number }
  | { readonly type: "session.occupied"; readonly at: number }
  | { readonly type: "session.freed"; readonly at: number }
  | { readonly type: "capacity.filled"; readonly at: number }
  | { readonly type: "turn.refused"; readonly at: number; readonly reason: "paused" | "draining" }
  | { readonly type: "turn.started"; readonly at: number }
  | { readonly type: "turn.stalled" }
  | { readonly type: "turn.recovered" }
  | { readonly type: "turn.aborted"; readonly at: number; readonly reason: HeartbeatAbort }
  | { readonly type: "turn.completed"; readonly at: number; readonly durationMs: number }
  | { readonly type: "turn.failed"; readonly at: number; readonly error: string; readonly permanent: boolean }
  /** An aborted turn is over whose result the abort decided, or whose work was handed back by close. */
  | { readonly type: "turn.ended"; readonly at: number }
  | { readonly type: "turn.reclaimed"; readonly at: number }
  /** The lane has settled the work of a reclaimed turn. */
  | { readonly type: "turn.settled"; readonly at: number }
  | { readonly type: "lane.crashed"; readonly at: number; readonly error: string };

/** What the actors that ask the session's lane are told. */
export interface HeartbeatAsk {
  readonly sessionKey: string;
  readonly preemptible: boolean;
}

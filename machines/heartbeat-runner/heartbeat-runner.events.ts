import type { CapacityReason, HeartbeatAbort } from "./heartbeat-runner.logic.ts";

/** What a heartbeat runner understands; `at` is epoch milliseconds. */
export type HeartbeatEvent =
  | { readonly type: "heartbeat.request"; readonly at: number }
  | { readonly type: "heartbeat.enable"; readonly at: number }
  | { readonly type: "heartbeat.disable"; readonly at: number }
  | { readonly type: "clock.read"; readonly at: number }
  /** The lane has other work than the heartbeat. */
  | { readonly type: "session.occupied"; readonly at: number }
  /** The lane has nothing but the heartbeat, and no slot for it. */
  | { readonly type: "capacity.filled"; readonly at: number; readonly reason: CapacityReason }
  | {
      readonly type: "turn.refused";
      readonly at: number;
      readonly reason: "paused" | "draining" | "quiet-hours";
    }
  | { readonly type: "turn.started"; readonly at: number }
  /** A turn that some heartbeat's command caused has started: it counts for spacing (B39, B45). */
  | { readonly type: "turn.inherited"; readonly at: number }
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
  | { readonly type: "lane.crashed"; readonly at: number; readonly error: string }
  /** There is no lane, because the store cannot say what is in the session. */
  | { readonly type: "lane.unreachable"; readonly at: number; readonly error: string };

/** What the actor that asks the session's lane is told. */
export interface HeartbeatAsk {
  readonly agent: string;
}

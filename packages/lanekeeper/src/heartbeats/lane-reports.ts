import { type DeferReason, hasOwnWork, type HeartbeatEvent, type LaneContext } from "@lanekeeper/machines";
import { isPermanent, messageOf } from "../keeper/errors.ts";
import type { Lane } from "../lanes/lane.ts";
import type { ChartSnapshot } from "../xstate/compiled-logic.ts";

/** What a step of a lane means for its heartbeat: read off the lane's states, which alone say what is so (B2). */
export function turnReports(
  lane: Lane,
  before: ChartSnapshot<LaneContext> | undefined,
  after: ChartSnapshot<LaneContext>,
  time: { readonly now: number; readonly mono: number },
): readonly HeartbeatEvent[] {
  const at = time.now;
  const was = before?.context;
  const is = after.context;
  const reports: HeartbeatEvent[] = [];
  if (was?.turn?.cause === "heartbeat" && is.turn?.id !== was.turn.id) {
    reports.push(endOf(lane, before!, time));
  }
  if (is.turn?.cause !== "heartbeat") return reports;
  if (was?.turn?.id !== is.turn.id) reports.push({ type: "turn.started", at });
  // What was lost is reclaimed in the same step.
  if (is.abort !== null && is.abort !== was?.abort && is.abort !== "lost")
    reports.push({ type: "turn.aborted", at, reason: is.abort });
  const [from, to] = [before?.leaf.detail, after.leaf.detail];
  if (to === "stalled.running" && from !== to) reports.push({ type: "turn.stalled" });
  if (from === "stalled.running" && to === "busy.running") reports.push({ type: "turn.recovered" });
  if (after.leaf.state === "reclaimed" && before?.leaf.state !== "reclaimed")
    reports.push({ type: "turn.reclaimed", at });
  return reports;
}

/** What the end of a heartbeat's turn was, once the store has it. */
function endOf(
  { turn }: Lane,
  { context, leaf }: ChartSnapshot<LaneContext>,
  { now: at, mono }: { readonly now: number; readonly mono: number },
): HeartbeatEvent {
  if (leaf.state === "reclaimed") return { type: "turn.settled", at };
  switch (context.conclusion) {
    case "completed":
      return { type: "turn.completed", at, durationMs: mono - (turn?.startedMono ?? mono) };
    case "failed": {
      const error = turn?.error ?? new Error("The turn failed.");
      return { type: "turn.failed", at, error: messageOf(error), permanent: isPermanent(error) };
    }
    case "reclaimed":
    case "crashed":
    case "cancelled":
    case "handed-back":
    case null:
      return { type: "turn.ended", at };
  }
}

/** What a lane's heartbeat waits for; undefined where that is about to be known, or nothing (B42). */
export function waitsFor(
  { leaf, context }: ChartSnapshot<LaneContext>,
  claim: Lane["claim"],
): DeferReason | undefined {
  if (leaf.detail === "busy.opening") return undefined;
  if (leaf.detail !== "busy.waitingForCapacity" || hasOwnWork(context)) return "session-busy";
  if (claim === undefined || claim.isHeld) return undefined;
  return claim.waitsFor === "group" ? "group-full" : "capacity-full";
}

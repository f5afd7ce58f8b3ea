import type { Lane } from "../lanes/lane.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { SessionRecord } from "../store/store.ts";
import type { LaneState, SessionView } from "./views.ts";

/** A live session as it is now. */
export function viewLane(lane: Lane, runtime: Runtime, isPaused: boolean): SessionView {
  const { snapshot, turn } = lane;
  const { leaf, context } = snapshot;
  const view: SessionView = {
    sessionKey: lane.sessionKey,
    agent: lane.agent,
    state: leaf.state as LaneState,
    detail: leaf.detail,
    waiting: context.mailbox.messages + context.mailbox.steering,
    events: context.mailbox.events + context.mailbox.quiet,
    zombies: runtime.zombies.of(lane.sessionKey),
    incarnation: lane.incarnation,
    paused: isPaused,
    ...(lane.lastReclaim === undefined ? {} : { lastReclaim: lane.lastReclaim }),
  };
  if (turn === undefined || context.turn?.id !== turn.id) return view;
  const { id, cause, attempt, startedAt, progressedAt: lastProgressAt } = turn;
  return { ...view, turn: { id, cause, attempt, startedAt, lastProgressAt } };
}

/** A session whose lane sleeps, or is being rebuilt: its work is settled before it is anything else again. */
export function viewRecord(
  record: SessionRecord,
  facts: {
    readonly agent: string;
    readonly zombies: number;
    readonly isRebuilding: boolean;
    readonly isPaused: boolean;
  },
): SessionView {
  const { mailbox } = record;
  return {
    sessionKey: record.sessionKey,
    agent: facts.agent,
    state: facts.isRebuilding ? "reclaimed" : "idle",
    detail: facts.isRebuilding ? "reclaimed.settling" : "idle",
    waiting: mailbox.messages + mailbox.steering,
    events: mailbox.events + mailbox.quiet,
    zombies: facts.zombies,
    incarnation: record.incarnation,
    paused: facts.isPaused,
    ...(record.lastReclaim === undefined ? {} : { lastReclaim: record.lastReclaim }),
  };
}

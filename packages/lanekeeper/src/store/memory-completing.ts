import { appendItem } from "./memory-append.ts";
import type { MemoryState } from "./memory-state.ts";
import { type CompleteResult, execCompletedKind, type Mailboxes, type NewItem } from "./store.ts";

/** Marks a command as completed, once, and accepts its event in the same step, unless that is silent or comes too late. */
export function completeExecution(
  state: MemoryState,
  { record, completion, isSilent, limits }: Parameters<Mailboxes["completeExecution"]>[0],
): CompleteResult {
  const { executions, host } = state;
  const { sessionKey, execId } = record;
  if (executions.get(execId)?.state === "completed") return { status: "duplicate" };
  const complete = (): void => executions.complete(record, host.clock.now());
  if (isSilent) {
    complete();
    return { status: "silent" };
  }
  const current = state.require(sessionKey).incarnation;
  const incarnation = record.incarnation ?? current;
  const item: NewItem = {
    sessionKey,
    id: execId,
    type: "event",
    kind: execCompletedKind,
    body: completion,
    mode: "followup",
    priority: "normal",
    wakes: true,
    incarnation,
  };
  if (incarnation !== current) {
    complete();
    const stale = { ...item, seq: ++state.counter, acceptedAt: host.clock.now() };
    return { status: "stale", deadLetter: state.bury(stale, "stale-incarnation", 0) };
  }
  const appended = appendItem(state, item, limits);
  if (appended.status !== "accepted") return { status: "duplicate" };
  complete();
  return appended;
}

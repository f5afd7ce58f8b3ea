import type { MailboxSummary } from "@lanekeeper/machines";
import { emptyMailbox } from "./empty-mailbox.ts";
import { knownName } from "./known-name.ts";
import { appendItem } from "./mailbox-append.ts";
import type { MailboxState } from "./mailbox-state.ts";
import {
  type CompleteResult,
  execCompletedKind,
  type Mailboxes,
  type NewItem,
  type StoredItem,
} from "./store.ts";

/** Marks a command as completed, once, and accepts its event in the same step, unless that is silent or comes too late. */
export function completeExecution(
  state: MailboxState,
  { record, completion, isSilent, wakes = true, limits }: Parameters<Mailboxes["completeExecution"]>[0],
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
    wakes,
    incarnation,
    origin: record.origin,
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

/** Lets a session's completions of heartbeat origin start turns from now on, those included that its turn holds. */
export function releaseCompletions(
  state: MailboxState,
  sessionKey: string,
): { readonly mailbox: MailboxSummary; readonly released: number } {
  const session = state.session(sessionKey);
  if (session === undefined) return { mailbox: emptyMailbox(state.counts), released: 0 };
  let released = 0;
  const free = (item: StoredItem): StoredItem => {
    if (item.wakes || item.origin !== "heartbeat" || item.incarnation === undefined) return item;
    released++;
    const freed = { ...item, wakes: true };
    session.know(knownName(item), freed);
    return freed;
  };
  for (const item of [...session.waiting]) {
    const freed = free(item);
    if (freed !== item) session.replace(freed);
  }
  if (session.open !== undefined) session.open = { ...session.open, items: session.open.items.map(free) };
  return { mailbox: released > 0 ? session.changed() : session.summary(), released };
}

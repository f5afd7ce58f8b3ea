import type { Dropped, AppendResult, MailboxLimits, NewItem, SettledItem, StoredItem } from "./store.ts";
import type { MailboxSession } from "./mailbox-session.ts";
import { knownName } from "./known-name.ts";
import type { MailboxState } from "./mailbox-state.ts";

/**
 * How a store accepts an item: every limit is checked, and what must make room finished, in the same step (B22).
 *
 * I1. What a turn has held is never dropped; nor is an interrupt, nor what waits to be taken by the turn it steers.
 * I2. An exec completion is never refused.
 */
export function appendItem(state: MailboxState, item: NewItem, limits: MailboxLimits): AppendResult {
  const before = state.session(item.sessionKey);
  const known = state.find(before, knownName(item));
  if (known !== undefined) return { status: "duplicate", known };
  if (item.mode === "reject" && (item.meetsBusyLane === true || before?.isBusy === true)) {
    return { status: "busy" };
  }
  // More than one, where a turn that held the first of them has failed.
  const replaced = item.key === undefined ? nothing : before?.waiting.filter(({ key }) => key === item.key);
  if (replaced !== undefined && replaced.length > 0) return accept(state, item, limits, replaced, "replaced");
  if (item.incarnation === undefined && isOver(state, limits)) {
    return { status: "overloaded", waiting: state.counts.backlog, limit: limits.backlog! };
  }
  if (before === undefined) return accept(state, item, limits, nothing, "overflow");
  if (item.type === "event") return appendEvent(state, before, item, limits);
  if (item.mode === "interrupt") {
    const outdated = before.waiting.filter(({ ahead }) => ahead === 2);
    return accept(state, item, limits, outdated, "interrupted");
  }
  return before.messages < limits.cap
    ? accept(state, item, limits, nothing, "overflow")
    : overflow(state, before, item, limits);
}

/** Whether as many items wait over all sessions as may. */
function isOver({ counts }: MailboxState, { backlog }: MailboxLimits): boolean {
  return backlog !== undefined && counts.backlog >= backlog;
}

function appendEvent(
  state: MailboxState,
  before: MailboxSession,
  item: NewItem,
  limits: MailboxLimits,
): AppendResult {
  if (before.events < limits.eventCap) return accept(state, item, limits, nothing, "overflow");
  const oldest = before.waiting.find(isDroppableEvent);
  if (oldest !== undefined) return accept(state, item, limits, [oldest], "overflow");
  return item.incarnation === undefined
    ? { status: "full", waiting: before.events, limit: limits.eventCap }
    : accept(state, item, limits, nothing, "overflow");
}

function overflow(
  state: MailboxState,
  before: MailboxSession,
  item: NewItem,
  limits: MailboxLimits,
): AppendResult {
  const { messages } = before;
  if (limits.overflow === "reject") return { status: "full", waiting: messages, limit: limits.cap };
  const droppable = limits.overflow === "drop-newest" ? nothing : before.waiting.filter(isDroppableMessage);
  const oldest = droppable.toSorted((a, b) => a.seq - b.seq).slice(0, messages - limits.cap + 1);
  if (limits.overflow === "summarize") {
    const lost = oldest.length > 0 ? oldest : [item];
    before.dropped = summarized(before.dropped, lost.map(limits.summarize), limits.cap);
    before.droppedLines = limits.cap;
  }
  if (oldest.length > 0) return accept(state, item, limits, oldest, "overflow");
  const dropped = toStored(state, item, before);
  before.usedAt = dropped.acceptedAt;
  return {
    status: "dropped",
    item: state.remember(before, dropped, { status: "dropped", reason: "overflow" }, limits.dedupeMs),
  };
}

function accept(
  state: MailboxState,
  item: NewItem,
  { dedupeMs }: MailboxLimits,
  finishing: readonly StoredItem[],
  reason: "replaced" | "overflow" | "interrupted",
): AppendResult {
  const session = state.require(item.sessionKey);
  let finished: readonly SettledItem[] = nothing;
  for (const old of finishing) {
    const outcome =
      reason === "interrupted"
        ? ({ status: "cancelled", reason } as const)
        : ({ status: "dropped", reason } as const);
    finished = [...finished, state.finish(session, old, outcome, dedupeMs)];
  }
  const stored = toStored(state, item, session);
  session.add(stored);
  session.usedAt = stored.acceptedAt;
  session.know(knownName(stored), stored);
  return { status: "accepted", item: stored, mailbox: session.changed(), finished };
}

function toStored(state: MailboxState, item: NewItem, { open }: MailboxSession): StoredItem {
  const { clock } = state.host;
  const acceptedAt = clock.now();
  const { mode, expiresInMs, steersTurn } = item;
  const isSteering = steersTurn !== undefined && open?.turnId === steersTurn;
  return {
    seq: ++state.counter,
    id: item.id,
    sessionKey: item.sessionKey,
    type: item.type,
    body: item.body,
    mode,
    priority: item.priority,
    group: item.group,
    kind: item.kind ?? "",
    key: item.key,
    meta: item.meta,
    acceptedAt,
    acceptedMono: clock.monotonic(),
    wakes: item.wakes,
    incarnation: item.incarnation,
    origin: item.origin ?? "person",
    failures: 0,
    reclaims: 0,
    crashes: 0,
    retryAt: undefined,
    lastTurnId: undefined,
    failedWith: nothing,
    expiresAt: expiresInMs === undefined ? undefined : acceptedAt + expiresInMs,
    steers: isSteering ? open.items[0]?.seq : undefined,
    ahead: mode === "interrupt" ? 2 : 0,
  };
}

function summarized(before: Dropped | undefined, lines: readonly string[], cap: number): Dropped {
  const summary = [...(before?.summary ?? []), ...lines].slice(-cap);
  return { count: (before?.count ?? 0) + lines.length, summary };
}

/** A host's event that no turn has held. */
function isDroppableEvent(item: StoredItem): boolean {
  return item.type === "event" && item.incarnation === undefined && item.lastTurnId === undefined;
}

/** A message that no turn has held, or is about to. */
function isDroppableMessage(item: StoredItem): boolean {
  const isFresh = item.type === "message" && item.lastTurnId === undefined;
  return isFresh && item.ahead !== 2 && item.steers === undefined;
}

/** Shared by all that finish nothing besides. */
const nothing: readonly never[] = [];

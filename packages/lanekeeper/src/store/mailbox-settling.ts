import { attemptsOf } from "./attempts.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { MailboxSession, OpenTurn } from "./mailbox-session.ts";
import { knownName } from "./known-name.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type {
  Disposition,
  RestartResult,
  Settlement,
  SettleResult,
  SettledItem,
  StoredItem,
} from "./store.ts";

/**
 * How a store ends a session's open turn, and starts a session afresh.
 *
 * I1. Each item that the turn holds, and steering that it has taken, gets one disposition, or nothing is changed.
 * I2. Steering that nobody took stays for the turn that tries the work again, or waits ahead of what came later (B19).
 */

/** Records the end of a session's open turn. Throws, and has changed nothing, unless each item has its disposition. */
export function settleTurn(
  state: MailboxState,
  session: MailboxSession,
  open: OpenTurn,
  settlement: Settlement,
): SettleResult {
  const { turnId, fencingToken, dispositions, dedupeMs, reclaim, restart } = settlement;
  const items = itemsOf(session, open, dispositions);
  if (items === undefined) {
    throw new RangeError(`turn ${turnId} holds ${open.items.length} items; each needs one disposition`);
  }
  session.open = undefined;
  session.usedAt = state.host.clock.now();
  if (reclaim !== undefined) session.lastReclaim = reclaim;
  if (open.dropped !== undefined && !settlement.hasToldDropped) giveBackDropped(session, open.dropped);
  let deadLetters: readonly DeadLetter[] = nothing;
  for (const [index, disposition] of dispositions.entries()) {
    const item = items[index];
    if (item === undefined) continue;
    // Steering whose claim was lost on the way still waits.
    if (item.steers !== undefined) session.remove(item.seq);
    const letter = dispose(state, session, item, disposition, turnId, dedupeMs);
    if (letter !== undefined) deadLetters = [...deadLetters, letter];
  }
  settleSteering(session, open, settlement);
  let finished = endOutdated(state, session, dedupeMs);
  if (restart === true) {
    const restarted = restartSession(state, session, dedupeMs);
    finished = [...finished, ...restarted.finished];
    deadLetters = [...deadLetters, ...restarted.deadLetters];
  }
  session.last = { turnId, fencingToken, deadLetters, finished };
  const { incarnation } = session;
  return { status: "settled", mailbox: session.changed(), incarnation, deadLetters, finished };
}

/** Starts a new incarnation: what backed off is cancelled, completions of earlier commands become dead letters. */
export function restartSession(
  state: MailboxState,
  session: MailboxSession,
  dedupeMs: number,
): RestartResult {
  const now = state.host.clock.now();
  const finished: SettledItem[] = [];
  const deadLetters: DeadLetter[] = [];
  const cancelled = { status: "cancelled", reason: "reset" } as const;
  for (const item of [...session.waiting]) {
    const isBackingOff = item.retryAt !== undefined && item.retryAt > now;
    if (item.type === "message" && isBackingOff) {
      finished.push(state.finish(session, item, cancelled, dedupeMs));
    } else if (item.incarnation !== undefined) {
      finished.push(state.finish(session, item, cancelled, dedupeMs));
      deadLetters.push(state.bury(item, "stale-incarnation", attemptsOf(item)));
    } else if (item.retryAt !== undefined) {
      // Itself, or as released with what it steered.
      const known = session.knownAs(knownName(item));
      if (known === undefined || "outcome" in known) continue;
      const freed: StoredItem = { ...known, retryAt: undefined };
      session.replace(freed);
      session.know(knownName(item), freed);
    }
  }
  session.incarnation = ++state.counter;
  return { mailbox: session.changed(), incarnation: session.incarnation, finished, deadLetters };
}

/**
 * What each disposition is about: an item of the turn, steering of it whose claim was lost on the way, or nothing any more
 * (that was withdrawn). Undefined unless each item of the turn has one.
 */
function itemsOf(
  session: MailboxSession,
  { items }: OpenTurn,
  dispositions: readonly Disposition[],
): readonly (StoredItem | undefined)[] | undefined {
  const [only] = dispositions;
  if (dispositions.length === 1 && items.length === 1 && items[0]!.seq === only!.seq) return items;
  const about = dispositions.map(
    ({ seq }) => items.find((held) => held.seq === seq) ?? steeringFor(session, items, seq),
  );
  const found = about.filter((item) => item !== undefined);
  const isComplete = items.every((held) => found.includes(held)) && new Set(found).size === found.length;
  return isComplete ? about : undefined;
}

function steeringFor(
  session: MailboxSession,
  items: readonly StoredItem[],
  seq: number,
): StoredItem | undefined {
  const item = session.waiting.find((waiting) => waiting.seq === seq);
  return item?.steers !== undefined && items.some((held) => held.seq === item.steers) ? item : undefined;
}

/** Does with an item of an ended turn what the settlement says. */
function dispose(
  state: MailboxState,
  session: MailboxSession,
  item: StoredItem,
  fate: Disposition,
  turnId: string,
  dedupeMs: number,
): DeadLetter | undefined {
  if (fate.fate === "return") {
    const returned: StoredItem = {
      ...item,
      failures: item.failures + (fate.counts === "failure" ? 1 : 0),
      reclaims: item.reclaims + (fate.counts === "reclaim" ? 1 : 0),
      crashes: item.crashes + (fate.counts === "crash" ? 1 : 0),
      retryAt: fate.retryAt,
      lastTurnId: turnId,
      failedWith: fate.failedWith === undefined ? item.failedWith : [...item.failedWith, ...fate.failedWith],
    };
    session.add(returned);
    session.know(knownName(item), returned);
    return undefined;
  }
  state.remember(session, item, fate.outcome, dedupeMs);
  return fate.fate === "finish"
    ? undefined
    : state.bury(item, fate.reason, attemptsOf(item) + 1, fate.deadLetterId);
}

/** What steered the ended turn is for the one that tries its first returned item again, or for none. */
function settleSteering(session: MailboxSession, { items }: OpenTurn, settlement: Settlement): void {
  if (!session.hasSteering) return;
  const isReturned = ({ seq, steers, wakes }: StoredItem): boolean =>
    steers === undefined &&
    wakes &&
    settlement.dispositions.some((disposition) => disposition.seq === seq && disposition.fate === "return");
  const heir = settlement.steering === "stays" ? items.find(isReturned)?.seq : undefined;
  for (const { seq } of items) if (seq !== heir) session.passSteering(seq, heir);
}

/** Ends interrupts that came back while a later one waits: the newest wins (B20). */
function endOutdated(state: MailboxState, session: MailboxSession, dedupeMs: number): readonly SettledItem[] {
  if (session.waiting[1]?.ahead !== 2) return nothing;
  const outcome = { status: "cancelled", reason: "interrupted" } as const;
  const interrupts = session.waiting.filter(({ ahead }) => ahead === 2);
  return interrupts.slice(0, -1).map((item) => state.finish(session, item, outcome, dedupeMs));
}

function giveBackDropped(session: MailboxSession, told: NonNullable<MailboxSession["dropped"]>): void {
  const { count = 0, summary = nothing } = session.dropped ?? {};
  const lines = [...told.summary, ...summary].slice(-session.droppedLines);
  session.dropped = { count: told.count + count, summary: lines };
}

/** Shared by all that finish nothing besides. */
const nothing: readonly never[] = [];

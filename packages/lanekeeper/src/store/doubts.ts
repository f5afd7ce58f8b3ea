import type { LanekeeperError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { Supervisor } from "../lanes/supervisor.ts";
import { emitFinished } from "../seeing/item-events.ts";
import type { OpenWork } from "../turns/pending-outcomes.ts";
import { knownName } from "./known-name.ts";
import type { Answer, KnownItem, SessionRecord, SettledItem, StoredItem } from "./store.ts";

/**
 * Sessions of which nobody knows what the store has done: the answer to a step was an error, or came too late to count.
 *
 * I1. Once the store answers again, the session's lane knows what its mailbox holds, and which incarnation it is; and what
 *     waits there expires in its time (B22).
 * I2. Work that such a step finished gets its outcome then, and it is told (B33, B61); "suspended" where the store no
 *     longer remembers how it ended.
 * I3. What a turn holds is left to the record of its end, if that is not known to be done.
 * I4. Work whose acceptance is answered only later is looked up then.
 */
export interface Doubts {
  /** An answer was lost: looks at what the store has of the session in a second, and until it answers. */
  raise(sessionKey: string): void;
  /** Looks at once, and until the store answers. */
  look(sessionKey: string): void;
}

/** Work that is open as far as the keeper knows, and finished as far as the store does: one after the other is found. */
interface Finding {
  readonly sessionKey: string;
  readonly left: OpenWork[];
}

/** Milliseconds until a store that has failed is asked. */
const pauseMs = 1_000;

/** Creates the doubts of a keeper. */
export function createDoubts(runtime: Runtime, supervisor: Pick<Supervisor, "route" | "inform">): Doubts {
  const { mailboxes, outcomes, lanes, awaits, journal, queue, deadlines } = runtime;
  /** Sessions that are to be looked at. */
  const raised = new Set<string>();

  const raise = (sessionKey: string): void => {
    outcomes.doubt(sessionKey);
    if (raised.has(sessionKey)) return;
    raised.add(sessionKey);
    deadlines.arm(pauseMs, lookRaised, sessionKey);
  };
  const lookRaised = (sessionKey: string): void => {
    raised.delete(sessionKey);
    look(sessionKey);
  };
  const look = (sessionKey: string): void => runtime.look(unfinished, compare, failed, sessionKey);
  const failed = (_: LanekeeperError, sessionKey: string): void => raise(sessionKey);

  const unfinished = (sessionKey: string): Answer<readonly StoredItem[]> => mailboxes.unfinished(sessionKey);
  const compare = (items: readonly StoredItem[], sessionKey: string): void => {
    const turn = lanes.get(sessionKey)?.turn;
    const isHolding = turn !== undefined && turn.record.mailbox === undefined;
    const open = new Set(isHolding ? turn.held.map(({ seq }) => seq) : []);
    for (const item of items) {
      if (!open.has(item.seq)) runtime.expiries.watch(item);
      open.add(item.seq);
    }
    findNext({ sessionKey, left: outcomes.openIn(sessionKey).filter(({ seq }) => !open.has(seq)) });
  };
  const findNext = (finding: Finding): void => {
    if (finding.left.length === 0) runtime.look(record, know, failed, finding.sessionKey);
    else runtime.look(find, found, notFound, finding);
  };
  const find = ({ sessionKey, left }: Finding): Answer<KnownItem | undefined> =>
    mailboxes.find(sessionKey, knownName(left[0]!));
  const found = (known: KnownItem | undefined, finding: Finding): void => {
    const { seq } = finding.left.shift()!;
    const isSame = known?.item.seq === seq;
    if (!isSame || known.state === "settled") {
      const item = isSame && known.state === "settled" ? known.item : undefined;
      awaits.finished(seq);
      queue.post(finish, seq, item);
    }
    findNext(finding);
  };
  const finish = (seq: number, item: SettledItem | undefined): void => {
    if (journal.isObserved && item !== undefined) emitFinished(runtime, item, undefined);
    outcomes.settle(seq, item?.outcome ?? { status: "suspended" });
  };
  const notFound = (_: LanekeeperError, { sessionKey }: Finding): void => raise(sessionKey);
  const record = (sessionKey: string): Answer<SessionRecord> => mailboxes.session(sessionKey);
  const know = ({ mailbox, incarnation }: SessionRecord, sessionKey: string): void => {
    const lane = lanes.get(sessionKey);
    if (lane !== undefined) lane.incarnation = incarnation;
    const { messages, events, quiet } = mailbox;
    if (messages + events + quiet > 0) supervisor.route(sessionKey, { type: "mailbox.changed", mailbox });
    else supervisor.inform(sessionKey, mailbox);
  };

  return { raise, look };
}

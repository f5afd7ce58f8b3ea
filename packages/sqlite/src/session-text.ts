import type { DeadLetter } from "lanekeeper";
import type { MailboxSession, OpenTurn, SettledTurn } from "lanekeeper/mailboxes";
import type { Dropped, ReclaimRecord, SessionRecord, SettledItem, StoredItem } from "lanekeeper/ports";
import { fromPlainOutcome, toPlainOutcome } from "./outcome-text.ts";

/** What a session's row keeps beside its columns. */
export interface PlainSession {
  readonly incarnation: number;
  readonly mailbox: PlainMailbox;
  readonly lastReclaim?: ReclaimRecord | undefined;
  readonly open?: PlainTurn | undefined;
  readonly last?: PlainEnd | undefined;
  readonly dropped?: Dropped | undefined;
  readonly droppedLines?: number | undefined;
}
type Mailbox = SessionRecord["mailbox"];
/** A mailbox: what is as with most is left out. */
type PlainMailbox = Pick<Mailbox, "version"> & Partial<Mailbox>;
interface PlainTurn extends Pick<OpenTurn, "turnId" | "yields" | "dropped"> {
  readonly token: number;
  readonly seqs: readonly number[];
}
interface PlainEnd extends Pick<SettledTurn, "turnId"> {
  readonly token: number;
  readonly deadLetters?: readonly DeadLetter[] | undefined;
  readonly finished?: readonly PlainSettled[] | undefined;
}

/** What is left out of a mailbox. */
const usual = {
  messages: 0,
  events: 0,
  quiet: 0,
  steering: 0,
  retry: null,
  batch: null,
  interrupt: false,
  pressing: true,
  priority: "foreground",
  group: null,
} as const satisfies Partial<Mailbox>;
const members = Object.keys(usual) as (keyof typeof usual)[];

/** A settled item with an outcome that JSON can say. */
export interface PlainSettled extends Omit<SettledItem, "outcome" | "sessionKey"> {
  readonly outcome: unknown;
}

/** A settled item for a row. */
export function toPlainSettled({ seq, id, type, acceptedAt, outcome }: SettledItem): PlainSettled {
  return { seq, id, type, acceptedAt, outcome: toPlainOutcome(outcome) };
}

/** A settled item from a row of its session. */
export function fromPlainSettled(sessionKey: string, plain: PlainSettled): SettledItem {
  const { seq, id, type, acceptedAt, outcome } = plain;
  return { seq, id, type, sessionKey, acceptedAt, outcome: fromPlainOutcome(outcome) };
}

/** A session for its row. */
export function toPlainSession(session: MailboxSession): PlainSession {
  const { incarnation, lastReclaim, open, last, dropped, droppedLines } = session;
  return {
    incarnation,
    mailbox: toPlainMailbox(session.summary()),
    lastReclaim,
    open: open === undefined ? undefined : toPlainTurn(open),
    last: last === undefined ? undefined : toPlainEnd(last),
    dropped,
    droppedLines: droppedLines === 0 ? undefined : droppedLines,
  };
}

/** The mailbox of a session's row. */
export function fromPlainMailbox(plain: PlainMailbox): Mailbox {
  return { ...usual, ...plain };
}

function toPlainMailbox(mailbox: Mailbox): PlainMailbox {
  const plain: Record<string, unknown> = { version: mailbox.version };
  for (const name of members) {
    const own = mailbox[name];
    if (own !== usual[name]) plain[name] = own;
  }
  return plain as unknown as PlainMailbox;
}

function toPlainTurn({ turnId, fencingToken, items, yields, dropped }: OpenTurn): PlainTurn {
  return { turnId, token: Number(fencingToken), seqs: items.map(({ seq }) => seq), yields, dropped };
}

function toPlainEnd({ turnId, fencingToken, deadLetters, finished }: SettledTurn): PlainEnd {
  return {
    turnId,
    token: Number(fencingToken),
    deadLetters: deadLetters.length === 0 ? undefined : deadLetters,
    finished: finished.length === 0 ? undefined : finished.map(toPlainSettled),
  };
}

/** The open turn of a session's row, with the items that it holds. */
export function fromPlainTurn(plain: PlainTurn, items: readonly StoredItem[]): OpenTurn {
  const { turnId, token, yields, dropped } = plain;
  return { turnId, fencingToken: BigInt(token), items, yields, dropped };
}

/** The turn settled last, of a session's row. */
export function fromPlainEnd(sessionKey: string, plain: PlainEnd): SettledTurn {
  const { turnId, token, deadLetters = [], finished = [] } = plain;
  return {
    turnId,
    fencingToken: BigInt(token),
    deadLetters,
    finished: finished.map((item) => fromPlainSettled(sessionKey, item)),
  };
}

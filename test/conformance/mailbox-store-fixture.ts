import type { ExecCompletion } from "lanekeeper";
import type {
  AppendResult,
  CompleteResult,
  Disposition,
  ExecutionRecord,
  MailboxLimits,
  Mailboxes,
  NewItem,
  OpenTurnResult,
  Settlement,
  SettleResult,
  Store,
  StoredItem,
} from "lanekeeper/ports";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";

/** Makes a new, empty store. */
export type CreateStore = () => Store;

/** A store that a keeper would have open, on a simulated clock. */
export interface StoreInUse {
  readonly store: Store;
  readonly clock: SimulatedClock;
  readonly mailboxes: Mailboxes;
  /** Closes it and opens it again, as the next keeper would. */
  reopen(): Promise<Mailboxes>;
}

/** Opens a new store. */
export async function openStore(createStore: CreateStore): Promise<StoreInUse> {
  const store = createStore();
  const clock = createSimulatedClock();
  let made = 0;
  const host = { clock, createId: () => `made-${++made}` };
  return {
    store,
    clock,
    mailboxes: await store.open(host),
    async reopen() {
      await store.close();
      return store.open(host);
    },
  };
}

/** Limits no test reaches by accident; ids are remembered for a minute. */
export const limits: MailboxLimits = {
  cap: 100,
  eventCap: 100,
  overflow: "reject",
  summarize: ({ body }) => `about ${String(body)}`,
  backlog: undefined,
  dedupeMs: 60_000,
};

/** A message to accept. */
export function message(
  sessionKey: string,
  id: string,
  body: unknown = id,
  more: Partial<NewItem> = {},
): NewItem {
  const usual = { mode: "followup", priority: "foreground", wakes: true } as const;
  return { sessionKey, id, type: "message", body, ...usual, ...more };
}

/** A host's event to accept. */
export function event(sessionKey: string, id: string, more: Partial<NewItem> = {}): NewItem {
  const usual = { mode: "followup", priority: "normal", wakes: true } as const;
  return { sessionKey, id, type: "event", kind: "noted", body: id, ...usual, ...more };
}

/** An announced command that belongs to whichever incarnation its session has when it is recorded. */
export function announced(sessionKey: string, execId: string): ExecutionRecord {
  return {
    execId,
    sessionKey,
    incarnation: undefined,
    command: undefined,
    startedAt: 1,
    dueAt: undefined,
    state: "announced",
  };
}

/** The end of a command. */
export function completion(sessionKey: string, execId: string): ExecCompletion {
  return {
    execId,
    sessionKey,
    status: "completed",
    exitCode: 0,
    signal: null,
    output: "done",
    truncated: false,
    startedAt: 1,
    endedAt: 2,
  };
}

/** Accepts an item that must be accepted. */
export async function accept(
  mailboxes: Mailboxes,
  item: NewItem,
  within: MailboxLimits = limits,
): Promise<AppendResult & { status: "accepted" }> {
  return expectStatus(await mailboxes.append(item, within), "accepted");
}

/** Accepts messages, one after the other. */
export async function acceptAll(
  mailboxes: Mailboxes,
  sessionKey: string,
  ids: readonly string[],
): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  for (const id of ids) items.push((await accept(mailboxes, message(sessionKey, id))).item);
  return items;
}

/** Records a command and completes it, so that its session holds the event. */
export async function completeCommand(
  mailboxes: Mailboxes,
  sessionKey: string,
  execId: string,
  within: MailboxLimits = limits,
): Promise<CompleteResult & { status: "accepted" }> {
  const { record } = await mailboxes.recordExecution(announced(sessionKey, execId));
  const result = await mailboxes.completeExecution({
    record,
    completion: completion(sessionKey, execId),
    isSilent: false,
    limits: within,
  });
  return expectStatus(result, "accepted");
}

/** Opens a turn that must open. */
export async function openTurn(
  mailboxes: Mailboxes,
  sessionKey: string,
  turnId: string,
  items: readonly StoredItem[],
): Promise<OpenTurnResult & { status: "opened" }> {
  const seqs = items.map(({ seq }) => seq);
  return expectStatus(await mailboxes.openTurn({ sessionKey, turnId, seqs }), "opened");
}

/** What an end of a turn says where nothing steered it and nothing was summarised away. */
export const plainEnd = { steering: "released", hasToldDropped: true } as const satisfies Partial<Settlement>;

/** Opens a turn of session `s` and describes its end, without dispositions yet. */
export async function running(
  mailboxes: Mailboxes,
  items: readonly StoredItem[],
  turnId = "t",
): Promise<Settlement> {
  const { fencingToken } = await openTurn(mailboxes, "s", turnId, items);
  return { sessionKey: "s", turnId, fencingToken, dispositions: [], dedupeMs: limits.dedupeMs, ...plainEnd };
}

/** Records an end that must be taken. */
export async function settle(
  mailboxes: Mailboxes,
  end: Settlement,
  ...dispositions: readonly Disposition[]
): Promise<SettleResult & { status: "settled" }> {
  return expectStatus(await mailboxes.settleTurn({ ...end, dispositions }), "settled");
}

/** How items end that end well. */
export const completed = { status: "completed", turnId: "t", reply: "ok", attempts: 1 } as const;

/** An item that has ended well. */
export function finished({ seq }: StoredItem): Disposition {
  return { seq, fate: "finish", outcome: completed };
}

/** An item that is to be tried again. */
export function returned(
  { seq }: StoredItem,
  counts: "failure" | "reclaim" | "crash" | "nothing" = "failure",
  retryAt?: number,
): Disposition {
  return { seq, fate: "return", retryAt, counts };
}

/** An item that is given up. */
export function deadLettered({ seq, id }: StoredItem, deadLetterId = `dead-${id}`): Disposition {
  const error = new Error("no");
  const outcome = { status: "failed", turnId: "t", error, attempts: 1, deadLetterId } as const;
  return { seq, fate: "dead-letter", deadLetterId, reason: "no", outcome };
}

/** The ids that wait in a session. */
export async function waitingIds(mailboxes: Mailboxes, sessionKey: string): Promise<readonly string[]> {
  return idsOf(await mailboxes.waiting(sessionKey));
}

/** The ids of items. */
export function idsOf(items: readonly { readonly id: string }[]): readonly string[] {
  return items.map(({ id }) => id);
}

/** An answer that must have one status. Throws `UnexpectedAnswer` otherwise. */
export function expectStatus<Result extends { readonly status: string }, Status extends Result["status"]>(
  result: Result,
  status: Status,
): Result & { status: Status } {
  if (result.status !== status) throw new UnexpectedAnswer(result, status);
  return result as Result & { status: Status };
}

/** Thrown when a store's answer is not the one a test builds on. */
class UnexpectedAnswer extends Error {
  override readonly name = "UnexpectedAnswer";

  constructor(result: object, status: string) {
    super(`The store should have answered "${status}".`, { cause: result });
  }
}

import type { ExecCompletion } from "lanekeeper";
import type {
  AppendResult,
  CompleteResult,
  ExecutionRecord,
  MailboxLimits,
  Mailboxes,
  NewItem,
  OpenTurnResult,
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
export const limits: MailboxLimits = { cap: 100, eventCap: 100, dedupeMs: 60_000 };

/** A message to accept. */
export function message(sessionKey: string, id: string, body: unknown = id): NewItem {
  return { sessionKey, id, type: "message", body, wakes: true };
}

/** A host's event to accept. */
export function event(sessionKey: string, id: string, more: Partial<NewItem> = {}): NewItem {
  return { sessionKey, id, type: "event", kind: "noted", body: id, wakes: true, ...more };
}

/** An announced command that belongs to whichever incarnation its session has when it is recorded. */
export function announced(sessionKey: string, execId: string): ExecutionRecord {
  return { execId, sessionKey, incarnation: undefined, command: undefined, startedAt: 1, state: "announced" };
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

import { isYielding } from "@lanekeeper/machines";
import { containRejection, LanekeeperError, toError } from "./errors.ts";
import { emitAccepted, emitCancelled, emitDropped } from "../seeing/item-events.ts";
import { assertGroup } from "./capacity-options.ts";
import { checkEvent, checkId, checkNotify, checkSend } from "./call-options.ts";
import { invalidId } from "./id.ts";
import { notAdmitted, notKeepable } from "./refusals.ts";
import { PendingOutcome } from "../turns/pending-outcomes.ts";
import { createReceipt, type Receipt, type ReceiptHost } from "../turns/receipt.ts";
import type { Retention } from "../store/retention.ts";
import type { Runtime } from "./runtime.ts";
import { assertSessionKey, nameFault } from "./session-key.ts";
import type { AppendResult, KnownItem, MailboxLimits, NewItem, SettledItem } from "../store/store.ts";
import type { Supervisor } from "../lanes/supervisor.ts";
import { looking } from "../store/store-requests.ts";

/**
 * The way in: what is accepted, refused, or known already.
 *
 * I1. A receipt exists only for what the store has.
 * I2. What is refused has changed nothing, and is refused with a typed error and an event (B61).
 */
export interface Admission {
  send(sessionKey: string, message: unknown, options: unknown): Promise<Receipt>;
  notify(sessionKey: string, event: unknown, options: unknown): Promise<Receipt>;
  attach(sessionKey: string, id: string): Promise<Receipt | undefined>;
  /** The error for new work while the keeper drains, unless a running turn brings it (B58). Throws `CLOSED` after close. */
  draining(): LanekeeperError | undefined;
  /** Throws `CLOSED` after close, and `STORE_IN_USE` where the store was taken away (B59). */
  assertOpen(): void;
  /** Tells of an error for whoever brings work. */
  refuse(item: Pick<NewItem, "sessionKey" | "id" | "type" | "meta">, error: LanekeeperError): LanekeeperError;
  /** Follows up on an item that the store has accepted. */
  accepted(
    result: AppendResult & { status: "accepted" },
    limits: Pick<MailboxLimits, "dedupeMs">,
    steersTurn?: string,
  ): Receipt;
}

/** Creates the way into a keeper. A `createId` that fails refuses what it was to name. */
export function createAdmission(
  runtime: Runtime,
  supervisor: Pick<Supervisor, "route" | "state" | "isRebuilding" | "startOf">,
  retention: Retention,
  createId: () => string,
): Admission {
  const { settings, journal, outcomes, scope } = runtime;
  const { isDurable } = runtime.mailboxes;

  const assertOpen = (): void => {
    if (runtime.storeLoss !== undefined) throw runtime.storeLoss;
    if (supervisor.state === "closing" || supervisor.state === "closed") {
      throw new LanekeeperError("CLOSED", "This keeper is closed. Create another on the same store.");
    }
  };
  const draining: Admission["draining"] = () => {
    assertOpen();
    if (supervisor.state !== "draining" || scope.getStore()?.isCurrent === true) return undefined;
    return new LanekeeperError(
      "DRAINING",
      "This keeper is draining and takes no new work. Send it to the keeper that replaces this one.",
    );
  };

  const accepted: Admission["accepted"] = (result, { dedupeMs }, steersTurn) => {
    const { item, mailbox, finished } = result;
    const { sessionKey } = item;
    retention.used(dedupeMs);
    if (journal.isObserved) emitAccepted(runtime, result);
    const pending = outcomes.of(item);
    if (!pending.isSettled) {
      // A retry of that turn has it from the store.
      const turn = item.steers === undefined ? undefined : runtime.lanes.get(sessionKey)?.turn;
      if (turn !== undefined && turn.id === steersTurn) turn.steering.add(item);
      runtime.expiries.watch(item);
    }
    // Before the lane claims a slot: that one is not to be lent for what has ended.
    for (const { seq } of finished) runtime.awaits.finished(seq);
    supervisor.route(sessionKey, { type: "mailbox.changed", mailbox });
    for (const { seq, outcome } of finished) outcomes.settle(seq, outcome);
    return createReceipt(item, pending, receiptHost);
  };

  const receiptHost: ReceiptHost = {
    awaitOutcome: (work, pending) => runtime.awaits.outcome(work, pending),
    async cancel({ sessionKey, seq }, note) {
      assertOpen();
      const outcome = { status: "cancelled", reason: "cancelled" } as const;
      const request = { sessionKey, seqs: [seq], events: true, isFresh: false, outcome };
      const withdrawn = await runtime.passages.through(runtime.withdrawals.withdraw(request));
      if (journal.isObserved) emitCancelled(runtime, withdrawn, note);
      return withdrawn.length > 0;
    },
  };
  const settledReceipt = (item: SettledItem): Receipt => {
    const pending = new PendingOutcome();
    pending.settle(item.outcome);
    return createReceipt(item, pending, receiptHost);
  };
  const receiptOf = (known: KnownItem): Receipt =>
    known.state === "open"
      ? createReceipt(known.item, outcomes.of(known.item), receiptHost)
      : settledReceipt(known.item);

  const refuse: Admission["refuse"] = (item, error) => {
    if (journal.isObserved) {
      const { sessionKey, id, meta } = item;
      const type = item.type === "message" ? "message.refused" : "event.refused";
      const at = settings.clock.now();
      journal.emit({ type, at, sessionKey, id, meta, reason: error.code, message: error.message });
    }
    return error;
  };

  /** What a sender gets whose signal was aborted already: the signal's own reason. */
  const refuseAborted = ({ sessionKey, id, meta }: NewItem, { reason }: AbortSignal): unknown => {
    if (journal.isObserved) {
      const at = settings.clock.now();
      const { message } = toError(reason);
      journal.emit({ type: "message.refused", at, sessionKey, id, meta, reason: "aborted", message });
    }
    return reason;
  };
  const admit = async (item: NewItem, limits: MailboxLimits, signal?: AbortSignal): Promise<Receipt> => {
    const barred = draining();
    if (barred !== undefined) throw refuse(item, barred);
    const unkept = isDurable ? notKeepable(item, settings.maxMessageBytes) : undefined;
    if (unkept !== undefined) throw refuse(item, unkept);
    const answer = runtime.request(() => runtime.mailboxes.append(item, limits), {
      changes: item.sessionKey,
    });
    const use = (result: AppendResult): Receipt => {
      const receipt = admitted(item, limits, result);
      // A duplicate is another sender's work too.
      if (signal !== undefined && result.status === "accepted") withdrawOnAbort(signal, receipt);
      return receipt;
    };
    return answer instanceof Promise ? outcomes.expecting(answer, use) : use(answer);
  };
  const admitted = (item: NewItem, limits: MailboxLimits, result: AppendResult): Receipt => {
    switch (result.status) {
      case "accepted":
        return accepted(result, limits, item.steersTurn);
      case "dropped":
        retention.used(limits.dedupeMs);
        if (journal.isObserved) emitDropped(runtime, item, result.item);
        return settledReceipt(result.item);
      case "duplicate": {
        if (journal.isObserved) {
          const type = item.type === "message" ? "message.duplicate" : "event.duplicate";
          const { sessionKey, id, meta } = item;
          journal.emit({ type, at: settings.clock.now(), sessionKey, id, meta });
        }
        // Its first acceptance may have been answered with an error that was none: the lane must hear of it.
        if (result.known.state === "open") runtime.doubts.look(item.sessionKey);
        return receiptOf(result.known);
      }
      case "busy":
      case "full":
      case "overloaded":
        throw refuse(item, notAdmitted(item, result));
    }
  };
  /** Whether a session's lane says that it is not idle, or has not said yet (B2, B21). */
  const isBusy = (sessionKey: string): boolean => {
    const lane = runtime.lanes.get(sessionKey);
    if (lane !== undefined) {
      const { leaf, context } = lane.snapshot;
      // A heartbeat is never in a message's way.
      return leaf.state !== "idle" && !isYielding(context);
    }
    return supervisor.isRebuilding(sessionKey) || supervisor.startOf(sessionKey) !== undefined;
  };
  /** The turn that a message sent now would steer (B19). */
  const steerableTurn = (sessionKey: string): string | undefined => {
    const turn = runtime.lanes.get(sessionKey)?.turn;
    return turn?.isSteerable === true ? turn.id : undefined;
  };

  const newId = (): string => {
    let id: unknown;
    try {
      id = createId();
    } catch (error) {
      throw invalidId(toError(error));
    }
    if (nameFault(id) !== undefined) {
      containRejection(id, () => {});
      throw invalidId(id);
    }
    return id as string;
  };

  return {
    refuse,
    assertOpen,
    draining,
    accepted,
    send: rejecting((sessionKey: string, message: unknown, options: unknown) => {
      assertSessionKey(sessionKey);
      const given = options === undefined ? undefined : checkSend(options);
      assertGroup("send.group", given?.group, runtime.capacity);
      const id = given?.id ?? newId();
      const lane = runtime.laneOptionsOf(sessionKey);
      const mode = given?.mode ?? lane.mode;
      const item: NewItem = {
        sessionKey,
        id,
        type: "message",
        body: message,
        mode,
        priority: given?.priority ?? "foreground",
        group: given?.group,
        expiresInMs: given?.expiresInMs,
        meta: given?.meta,
        wakes: true,
        origin: scope.getStore()?.origin,
        steersTurn: mode === "steer" ? steerableTurn(sessionKey) : undefined,
        meetsBusyLane: mode === "reject" && isBusy(sessionKey),
      };
      const signal = given?.signal;
      if (signal?.aborted === true) throw refuseAborted(item, signal);
      return admit(item, runtime.limitsOf(lane), signal);
    }),
    notify: rejecting((sessionKey: string, event: unknown, options: unknown) => {
      assertSessionKey(sessionKey);
      const { kind, body, key } = checkEvent(event);
      const given = options === undefined ? undefined : checkNotify(options);
      assertGroup("notify.group", given?.group, runtime.capacity);
      const id = given?.id ?? newId();
      const item: NewItem = {
        sessionKey,
        id,
        type: "event",
        kind,
        key,
        body,
        mode: "followup",
        priority: given?.priority ?? "normal",
        group: given?.group,
        wakes: given?.wake ?? true,
        origin: scope.getStore()?.origin,
      };
      return admit(item, runtime.limitsOf(runtime.laneOptionsOf(sessionKey)));
    }),
    async attach(sessionKey, id) {
      assertSessionKey(sessionKey);
      checkId("id", id);
      assertOpen();
      const answer = runtime.request(() => runtime.mailboxes.find(sessionKey, id), looking);
      const use = (known: KnownItem | undefined): Receipt | undefined =>
        known === undefined ? undefined : receiptOf(known);
      return answer instanceof Promise ? outcomes.expecting(answer, use) : use(answer);
    },
  };
}

/** Makes a call reject where it throws, without a promise more for each message. */
function rejecting<T>(
  call: (sessionKey: string, work: unknown, options: unknown) => Promise<T>,
): (sessionKey: string, work: unknown, options: unknown) => Promise<T> {
  return (sessionKey, work, options) => {
    try {
      return call(sessionKey, work, options);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** Withdraws what was sent once the signal is aborted, while it waits. */
function withdrawOnAbort(signal: AbortSignal, receipt: Receipt): void {
  const withdraw = (): void => void receipt.cancel().catch(() => {});
  if (signal.aborted) {
    withdraw();
    return;
  }
  signal.addEventListener("abort", withdraw, { once: true });
  void receipt.outcome.then(() => signal.removeEventListener("abort", withdraw));
}

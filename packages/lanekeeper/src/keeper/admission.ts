import { LanekeeperError, toError } from "./errors.ts";
import { checkEvent, checkId, checkNotify, checkSend, invalidId } from "./options.ts";
import { PendingOutcome } from "../turns/pending-outcomes.ts";
import { createReceipt, type Receipt } from "../turns/receipt.ts";
import type { Retention } from "../store/retention.ts";
import type { Runtime } from "./runtime.ts";
import { assertSessionKey, nameFault } from "./session-key.ts";
import type { AppendResult, KnownItem, NewItem, SettledItem } from "../store/store.ts";
import type { Supervisor } from "../lanes/supervisor.ts";

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
  /** Throws `CLOSED` after close. */
  assertOpen(): void;
  /** Tells a session's lane what its mailbox holds, where an answer of the store may have been lost. */
  remind(sessionKey: string): void;
  /** Follows up on an item that the store has accepted. */
  accepted(result: AppendResult & { status: "accepted" }): void;
}

/** Milliseconds until a lane is reminded again where the store failed. */
const remindMs = 1_000;

/** Creates the way into a keeper. A `createId` that fails refuses what it was to name. */
export function createAdmission(
  runtime: Runtime,
  supervisor: Pick<Supervisor, "route" | "state">,
  retention: Retention,
  createId: () => string,
): Admission {
  const { settings, journal, outcomes, scope } = runtime;

  const assertOpen = (): void => {
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

  const finished = (item: SettledItem | undefined): void => {
    if (item !== undefined) outcomes.settle(item.seq, item.outcome);
  };

  const accepted: Admission["accepted"] = (result) => {
    const { item, mailbox } = result;
    retention.noteFor(settings.lane.dedupeMs);
    if (journal.isObserved) emitAccepted(runtime, result);
    supervisor.route(item.sessionKey, { type: "mailbox.changed", mailbox });
    finished(result.replaced);
    finished(result.dropped);
  };

  const remind: Admission["remind"] = (sessionKey) => {
    runtime.ask(
      () => runtime.mailboxes.session(sessionKey),
      ({ mailbox }) => supervisor.route(sessionKey, { type: "mailbox.changed", mailbox }),
      () => runtime.deadlines.arm(remindMs, () => remind(sessionKey)),
    );
  };

  const receiptOf = (known: KnownItem): Receipt => {
    if (known.state === "open") return createReceipt(known.item, outcomes.of(known.item.seq));
    const pending = new PendingOutcome();
    pending.settle(known.item.outcome);
    return createReceipt(known.item, pending);
  };

  const refuse = (item: NewItem, error: LanekeeperError): LanekeeperError => {
    if (journal.isObserved) {
      const { sessionKey, id, meta } = item;
      const type = item.type === "message" ? "message.refused" : "event.refused";
      const at = settings.clock.now();
      journal.emit({ type, at, sessionKey, id, meta, reason: error.code, message: error.message });
    }
    return error;
  };

  const admit = async (item: NewItem): Promise<Receipt> => {
    const barred = draining();
    if (barred !== undefined) throw refuse(item, barred);
    const answer = runtime.request(() => runtime.mailboxes.append(item, settings.lane));
    const result = answer instanceof Promise ? await answer : answer;
    switch (result.status) {
      case "accepted": {
        const receipt = createReceipt(result.item, outcomes.of(result.item.seq));
        accepted(result);
        return receipt;
      }
      case "duplicate": {
        if (journal.isObserved) {
          const type = item.type === "message" ? "message.duplicate" : "event.duplicate";
          const { sessionKey, id, meta } = item;
          journal.emit({ type, at: settings.clock.now(), sessionKey, id, meta });
        }
        // Its first acceptance may have been answered with an error that was none: the lane must hear of it.
        if (result.known.state === "open") remind(item.sessionKey);
        return receiptOf(result.known);
      }
      case "full": {
        const option = item.type === "message" ? "lane.cap" : "lane.eventCap";
        throw refuse(
          item,
          new LanekeeperError(
            "LANE_FULL",
            `${item.sessionKey} has ${result.waiting} waiting ${item.type}s, as many as ${option} allows. Send it later, clear the session, or raise ${option}.`,
            { sessionKey: item.sessionKey, id: item.id, waiting: result.waiting, limit: result.limit },
          ),
        );
      }
    }
  };

  const newId = (): string => {
    let id: unknown;
    try {
      id = createId();
    } catch (error) {
      throw invalidId(toError(error));
    }
    if (nameFault(id) !== undefined) throw invalidId(id);
    return id as string;
  };

  return {
    remind,
    assertOpen,
    draining,
    accepted,
    send: rejecting((sessionKey: string, message: unknown, options: unknown) => {
      assertSessionKey(sessionKey);
      const given = options === undefined ? undefined : checkSend(options);
      const id = given?.id ?? newId();
      return admit({ sessionKey, id, type: "message", body: message, meta: given?.meta, wakes: true });
    }),
    notify: rejecting((sessionKey: string, event: unknown, options: unknown) => {
      assertSessionKey(sessionKey);
      const { kind, body, key } = checkEvent(event);
      const given = options === undefined ? undefined : checkNotify(options);
      const id = given?.id ?? newId();
      return admit({ sessionKey, id, type: "event", kind, key, body, wakes: given?.wake ?? true });
    }),
    async attach(sessionKey, id) {
      assertSessionKey(sessionKey);
      checkId("id", id);
      assertOpen();
      const known = await runtime.request(() => runtime.mailboxes.find(sessionKey, id));
      return known === undefined ? undefined : receiptOf(known);
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

function emitAccepted({ journal, settings }: Runtime, result: AppendResult & { status: "accepted" }): void {
  const { sessionKey, id, meta, kind, type } = result.item;
  const at = settings.clock.now();
  if (type === "message") journal.emit({ type: "message.accepted", at, sessionKey, id, meta });
  else journal.emit({ type: "event.accepted", at, sessionKey, id, meta, kind });
  if (result.replaced !== undefined) {
    journal.emit({ type: "event.replaced", at, sessionKey, id: result.replaced.id, by: id });
  }
  if (result.dropped !== undefined) {
    journal.emit({ type: "event.dropped", at, sessionKey, id: result.dropped.id, reason: "overflow" });
  }
}

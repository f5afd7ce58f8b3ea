import { tellDeadLetters } from "../seeing/dead-letter-events.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import type { ExecCompletion } from "./execution.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { CompleteResult, ExecutionRecord, MailboxLimits } from "../store/store.ts";
import { backoffMs } from "../turns/verdict.ts";
import type { RouteResult } from "./route-result.ts";

/**
 * The way of a completion to the session that started its command, and to no other (B34–B36).
 *
 * I1. It is recorded and accepted in one step, once per `execId`.
 * I2. A store that fails delays it and loses nothing.
 */
export interface Completions {
  /** Hands a completion to the supervisor, which releases it. Rejects when the store fails. */
  route(record: ExecutionRecord, completion: ExecCompletion, isSilent: boolean): Promise<RouteResult>;
  /** Records the completion that was handed over and routes it to its session: the supervisor's part. */
  release(execId: string): void;
  /** The same for a command of ours: tried until the store has it, or is another keeper's or damaged, or the keeper closes. */
  deliver(record: ExecutionRecord, completion: ExecCompletion, isSilent: boolean): Promise<void>;
  /** Says why a report was refused. */
  refuse(execId: string, sessionKey: string | undefined, reason: RefusalReason): RouteResult;
}
type RefusalReason = Extract<RouteResult, { routed: false }>["reason"];

/** Between two tries to record a completion: there are as many as it takes. */
const redelivery = { baseMs: 100, maxMs: 10_000 };

/** Creates the completions of a keeper. */
export function createCompletions(
  runtime: Runtime,
  host: {
    /** Tells the supervisor that a command ended. */
    ended(execId: string): void;
    /** Routes what the store has accepted to its lane, and gives its receipt. */
    accepted(result: CompleteResult & { status: "accepted" }, limits: MailboxLimits): Receipt;
    /** Whether the keeper closes: then nobody waits for a store that fails. */
    isClosing(): boolean;
  },
): Completions {
  const { settings, journal, deadlines, passages } = runtime;
  const handedOver = new Map<string, (() => void)[]>();

  const refuse: Completions["refuse"] = (execId, sessionKey, reason) => {
    if (journal.isObserved) {
      const at = settings.clock.now();
      journal.emit({
        type: "exec.refused",
        at,
        execId,
        reason,
        ...(sessionKey === undefined ? {} : { sessionKey }),
      });
    }
    return { routed: false, reason };
  };

  const recordAndRoute = async (
    record: ExecutionRecord,
    completion: ExecCompletion,
    isSilent: boolean,
  ): Promise<RouteResult> => {
    const isHeartbeats = !isSilent && record.origin === "heartbeat";
    const wakes = !isHeartbeats || runtime.heartbeats.spacing.mayWake(record.sessionKey);
    const limits = runtime.limitsOf(runtime.laneOptionsOf(record.sessionKey));
    const request = { record, completion, isSilent, wakes, limits };
    const answer = runtime.request(() => runtime.mailboxes.completeExecution(request), {
      changes: record.sessionKey,
    });
    const use = (result: CompleteResult): RouteResult => routed(record, limits, wakes, result);
    return answer instanceof Promise ? runtime.outcomes.expecting(answer, use) : use(answer);
  };
  const routed = (
    { execId, sessionKey }: ExecutionRecord,
    limits: MailboxLimits,
    wakes: boolean,
    result: CompleteResult,
  ): RouteResult => {
    switch (result.status) {
      case "duplicate":
        // A try before may have been answered with an error that was none: the lane must hear of the event.
        runtime.doubts.look(sessionKey);
        return refuse(execId, sessionKey, "duplicate");
      case "silent":
        return refuse(execId, sessionKey, "silent");
      case "stale":
        tellDeadLetters(journal, [result.deadLetter]);
        return refuse(execId, sessionKey, "stale-incarnation");
      case "accepted": {
        if (journal.isObserved) {
          const at = settings.clock.now();
          journal.emit({ type: "exec.routed", at, sessionKey, execId });
          if (!wakes) {
            const untilAt = at + (runtime.heartbeats.spacing.heldInMs(sessionKey) ?? 0);
            journal.emit({ type: "exec.held", at, sessionKey, execId, reason: "heartbeat-spacing", untilAt });
          }
        }
        return { routed: true, sessionKey, receipt: host.accepted(result, limits) };
      }
    }
  };

  const route: Completions["route"] = (record, completion, isSilent) =>
    new Promise((resolve, reject) => {
      const waiting = handedOver.get(record.execId) ?? [];
      waiting.push(() => void recordAndRoute(record, completion, isSilent).then(resolve, reject));
      handedOver.set(record.execId, waiting);
      host.ended(record.execId);
    });

  return {
    route,
    release(execId) {
      const waiting = handedOver.get(execId);
      const first = waiting?.shift();
      if (waiting?.length === 0) handedOver.delete(execId);
      first?.();
    },
    refuse,
    async deliver(record, completion, isSilent) {
      for (let failures = 0; ; failures++) {
        try {
          await passages.through(route(record, completion, isSilent));
          return;
        } catch (error) {
          if (!isUnavailable(error) || host.isClosing()) {
            journal.error(
              `completion:${record.execId}`,
              { ...completion, error },
              "A completion could not be recorded.",
            );
            return;
          }
          await passages.through(
            new Promise<void>((resolve) =>
              deadlines.arm(backoffMs(failures, redelivery, settings.random), resolve),
            ),
          );
        }
      }
    },
  };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof LanekeeperError && error.code === "STORE_UNAVAILABLE";
}

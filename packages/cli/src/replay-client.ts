import { LanekeeperError } from "lanekeeper";
import type { Clock, Lanekeeper, Receipt } from "lanekeeper";
import type { ReplayMessage } from "./replay-agent.ts";
import type { ReplayLedger } from "./replay-ledger.ts";
import { sleep } from "./sleep.ts";
import type { Arrival } from "./trace.ts";
import type { TraceTime } from "./trace-time.ts";

/** Sends the requests of a trace, each at its time, the next when the keeper has answered for the last. */
export interface ReplayClient {
  /** How many the keeper has answered for. */
  readonly sent: number;
  /** Whether it waits for the next request's time. */
  readonly isWaiting: boolean;
  /** Asks after all that was accepted in an earlier life and has no outcome yet. */
  attachAll(): Promise<void>;
  /** Sends all that were not answered for; rejects with the signal's reason when that aborts, and with what no keeper may refuse with. */
  sendAll(signal: AbortSignal): Promise<void>;
}

/** A client that writes what it sends and is told into the ledger, and goes on where that ends. */
export function createReplayClient(options: {
  readonly arrivals: readonly Arrival[];
  readonly clock: Clock;
  readonly time: Pick<TraceTime, "ms">;
  readonly ledger: Pick<ReplayLedger, "offer" | "accept" | "refuse" | "settle" | "sent" | "unsettled">;
  readonly keeper: Pick<Lanekeeper<ReplayMessage, string>, "send" | "attach">;
}): ReplayClient {
  const { clock, ledger, keeper, time } = options;
  let isWaiting = false;

  const follow = (id: string, receipt: Receipt<string>) =>
    void receipt.outcome.then((outcome) => ledger.settle(id, outcome));

  const send = async (index: number, { session, inputTokens, outputTokens }: Arrival) => {
    const id = `message-${index + 1}`;
    ledger.offer(id, session, time.ms());
    try {
      const receipt = await keeper.send(session, { index, inputTokens, outputTokens }, { id });
      ledger.accept(id);
      follow(id, receipt);
    } catch (error) {
      if (!(error instanceof LanekeeperError)) throw error;
      ledger.refuse(id);
    }
  };

  return {
    get sent() {
      return ledger.sent;
    },
    get isWaiting() {
      return isWaiting;
    },
    async attachAll() {
      for (const { id, sessionKey } of ledger.unsettled()) {
        const receipt = await keeper.attach(sessionKey, id);
        if (receipt !== undefined) follow(id, receipt);
      }
    },
    async sendAll(signal) {
      const answered = ledger.sent;
      for (const [index, arrival] of options.arrivals.entries()) {
        if (index < answered) continue;
        const waitMs = arrival.at - time.ms();
        if (waitMs > 0) {
          isWaiting = true;
          await sleep(clock, waitMs, signal);
          isWaiting = false;
        }
        signal.throwIfAborted();
        await send(index, arrival);
      }
    },
  };
}

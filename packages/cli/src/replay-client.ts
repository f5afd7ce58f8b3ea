import { LanekeeperError } from "lanekeeper";
import type { Clock, Lanekeeper } from "lanekeeper";
import type { ReplayMessage } from "./replay-agent.ts";
import type { ReplayLedger } from "./replay-ledger.ts";
import { sleep } from "./sleep.ts";
import type { Arrival } from "./trace.ts";

/** Sends the requests of a trace, each at its time, the next when the keeper has answered for the last. */
export interface ReplayClient {
  /** How many the keeper has answered for. */
  readonly sent: number;
  /** Whether it waits for the next request's time. */
  readonly isWaiting: boolean;
  /** Sends all; rejects with the signal's reason when that aborts, and with what no keeper may refuse with. */
  sendAll(signal: AbortSignal): Promise<void>;
}

/** A client whose trace begins now and that writes what it sends and is told into the ledger. */
export function createReplayClient(options: {
  readonly arrivals: readonly Arrival[];
  readonly clock: Clock;
  readonly ledger: Pick<ReplayLedger, "offer" | "accept" | "refuse" | "settle">;
  readonly keeper: Pick<Lanekeeper<ReplayMessage, string>, "send">;
}): ReplayClient {
  const { clock, ledger } = options;
  const traceStart = clock.monotonic();
  let sent = 0;
  let isWaiting = false;

  const send = async (index: number, { session, inputTokens, outputTokens }: Arrival) => {
    const id = `message-${index + 1}`;
    ledger.offer(id, session, clock.monotonic());
    try {
      const receipt = await options.keeper.send(session, { index, inputTokens, outputTokens }, { id });
      ledger.accept(id);
      void receipt.outcome.then((outcome) => ledger.settle(id, outcome));
    } catch (error) {
      if (!(error instanceof LanekeeperError)) throw error;
      ledger.refuse(id);
    }
    sent += 1;
  };

  return {
    get sent() {
      return sent;
    },
    get isWaiting() {
      return isWaiting;
    },
    async sendAll(signal) {
      for (const [index, arrival] of options.arrivals.entries()) {
        const waitMs = traceStart + arrival.at - clock.monotonic();
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

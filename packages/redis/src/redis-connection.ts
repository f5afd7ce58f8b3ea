import { LanekeeperError } from "lanekeeper";
import type { Clock } from "lanekeeper/ports";
import { NoAnswer, reasonOf, stepFailure } from "./redis-failure.ts";

/** What these leases use of a client of node-redis (`redis`, `@redis/client`). */
export interface RedisConnection {
  /** Opens it. */
  connect(): Promise<unknown>;
  /** Sends one command. */
  sendCommand(command: readonly string[]): Promise<unknown>;
  /** Listens to a channel. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** Ends listening to a channel. */
  unsubscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /** Listens to what becomes of the connection. */
  on(event: "error" | "end", listener: (error?: unknown) => void): unknown;
  /** Closes it at once; what was asked is rejected. */
  destroy(): void;
}

/** A client of node-redis, to be used as a pattern: the leases open connections of their own with its options. */
export interface RedisClientLike {
  /** Makes another client with the same options. */
  duplicate(overrides: { readonly RESP: 3 }): RedisConnection;
}

/**
 * One connection at a time, opened when it is needed.
 *
 * I1. A client lives as long as its connection: what is broken, or has not answered in time, is left to be destroyed with
 *     all it was asked, and the next step opens another. So no command is sent long after somebody gave it up.
 * I2. Every step ends within the time-out, connecting included.
 */
export interface Connection {
  /** Runs a step on the open connection. Rejects with `STORE_UNAVAILABLE`, or `CLOSED`. */
  ask<Answer>(step: string, run: (client: RedisConnection) => Promise<Answer>): Promise<Answer>;
  /** Waits for the steps that run, then closes. */
  close(): Promise<void>;
}

interface Link {
  readonly client: RedisConnection;
  ready: Promise<void>;
  cause?: unknown;
}

/** Creates it; nothing is opened yet. `opened` and `lost` hear of every connection. */
export function createConnection(host: {
  readonly clock: Clock;
  readonly timeoutMs: number;
  dial(): RedisConnection;
  opened(client: RedisConnection): void;
  lost(): void;
}): Connection {
  const { clock, timeoutMs } = host;
  const running = new Set<Promise<unknown>>();
  let link: Link | undefined;
  let isClosed = false;

  const drop = (broken: Link, cause?: unknown): void => {
    broken.cause ??= cause;
    if (link !== broken) return;
    link = undefined;
    broken.client.destroy();
    host.lost();
  };

  const open = (): Link => {
    const client = host.dial();
    const opening: Link = { client, ready: Promise.resolve() };
    link = opening;
    client.on("error", (error) => drop(opening, error));
    client.on("end", () => drop(opening));
    const connect = async (): Promise<void> => {
      await client.connect();
      if (link === opening) host.opened(client);
    };
    opening.ready = connect();
    opening.ready.catch((error: unknown) => drop(opening, error));
    return opening;
  };

  /** What is late by this process's own fault is waited for: answers that have come are read before the time is up. */
  const within = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => setImmediate(() => reject(new NoAnswer(timeoutMs))), timeoutMs);
      answer.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });

  const attempt = async <Answer>(
    step: string,
    run: (client: RedisConnection) => Promise<Answer>,
  ): Promise<Answer> => {
    const used = link ?? open();
    try {
      return await within(used.ready.then(() => run(used.client)));
    } catch (error) {
      const reason = reasonOf(error);
      // A replica that was the primary is left too: the address may lead to the new one.
      if (reason === "timeout" || reason === "READONLY") drop(used, error);
      throw stepFailure(step, reason === "connection" ? (used.cause ?? error) : error);
    }
  };

  return {
    ask(step, run) {
      if (isClosed) {
        return Promise.reject(new LanekeeperError("CLOSED", "These leases are closed. Create new ones."));
      }
      const answer = attempt(step, run);
      running.add(answer);
      const end = (): unknown => running.delete(answer);
      answer.then(end, end);
      return answer;
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(running);
      const last = link;
      link = undefined;
      last?.client.destroy();
    },
  };
}

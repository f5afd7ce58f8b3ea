import { LanekeeperError } from "lanekeeper";
import type { Clock } from "lanekeeper/ports";
import { createDeadlines } from "./deadlines.ts";
import { reasonOf, stepFailure } from "./redis-failure.ts";

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

const methods = [
  "connect",
  "sendCommand",
  "subscribe",
  "unsubscribe",
  "on",
  "destroy",
] as const satisfies readonly (keyof RedisConnection)[];

/** Whether something has all that these leases use of a client. */
export function isConnection(given: unknown): given is RedisConnection {
  if (typeof given !== "object" || given === null) return false;
  const client = given as Readonly<Record<string, unknown>>;
  return methods.every((name) => typeof client[name] === "function");
}

/** A client of node-redis, to be used as a pattern: the leases open connections of their own with its options. */
export interface RedisClientLike {
  /** Makes another client with the same options. */
  duplicate(overrides: {
    readonly RESP: 3;
    readonly commandOptions: { readonly timeout: 0 };
  }): RedisConnection;
}

/**
 * One connection at a time, opened when it is needed.
 *
 * I1. A client lives as long as its connection: what is broken, or has not answered in time, is left to be destroyed with
 *     all it was asked, and the next step opens another. So no command is sent long after somebody gave it up.
 * I2. Every step ends within the time-out, connecting included.
 */
export interface Connection {
  /**
   * Runs a step on the open connection, and once more, another way, where `again` gives one for its error. Rejects with
   * `STORE_UNAVAILABLE`, or `CLOSED`.
   */
  ask<Answer>(
    step: string,
    run: (client: RedisConnection) => Promise<Answer>,
    again?: (client: RedisConnection, error: unknown) => Promise<Answer> | undefined,
  ): Promise<Answer>;
  /** Waits for the steps that run, then closes. */
  close(): Promise<void>;
}

interface Link {
  readonly client: RedisConnection;
  ready: Promise<void>;
  isReady: boolean;
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
  const deadlines = createDeadlines(clock, timeoutMs);
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
    const opening: Link = { client, ready: Promise.resolve(), isReady: false };
    link = opening;
    client.on("error", (error) => drop(opening, error));
    client.on("end", () => drop(opening));
    const connect = async (): Promise<void> => {
      await client.connect();
      opening.isReady = true;
      if (link === opening) host.opened(client);
    };
    opening.ready = connect();
    opening.ready.catch((error: unknown) => drop(opening, error));
    return opening;
  };

  const failed = (step: string, used: Link, error: unknown): LanekeeperError => {
    const reason = reasonOf(error);
    // A replica that was the primary is left too: the address may lead to the new one.
    if (reason === "timeout" || reason === "READONLY") drop(used, error);
    const isConnecting = !used.isReady;
    return stepFailure(step, reason === "connection" ? (used.cause ?? error) : error, { isConnecting });
  };

  return {
    ask(step, run, again) {
      if (isClosed) {
        return Promise.reject(new LanekeeperError("CLOSED", "These leases are closed. Create new ones."));
      }
      let used: Link;
      try {
        used = link ?? open();
      } catch (error) {
        return Promise.reject(error);
      }
      const answer = used.isReady ? run(used.client) : used.ready.then(() => run(used.client));
      return deadlines.within(
        answer,
        (error) => failed(step, used, error),
        again && ((error) => again(used.client, error)),
      );
    },
    async close() {
      isClosed = true;
      await deadlines.idle();
      const last = link;
      link = undefined;
      last?.client.destroy();
    },
  };
}

import { createClient } from "@redis/client";
import { LanekeeperError } from "lanekeeper";
import {
  assertKnownOptions,
  assertTimeOptions,
  type Clock,
  invalidOption,
  type LeaseStore,
  systemClock,
} from "lanekeeper/ports";
import { randomBytes } from "node:crypto";
import { acquireScript, keepTokenMs, type LeaseScript, releaseScript, renewScript } from "./lease-scripts.ts";
import {
  createConnection,
  isConnection,
  type RedisClientLike,
  type RedisConnection,
} from "./redis-connection.ts";
import { createReleaseWatch } from "./release-watch.ts";

/** Where the leases are, and how long a step may take. */
export interface RedisLeasesOptions {
  /** `redis[s]://[[user][:password]@][host][:port][/database]`. Either this or `client`. */
  readonly url?: string;
  /** A client of node-redis whose options (TLS, credentials, sockets) are used for connections of the leases' own. */
  readonly client?: RedisClientLike;
  /** What every key and channel begins with. Default `lanekeeper:lease:`. */
  readonly prefix?: string;
  /** Milliseconds a step may take, connecting included. Default 2,000; from 1 to 2^31 − 1. */
  readonly timeoutMs?: number;
  /** The source of time-outs. Default: the machine's. Leases expire by the server's clock, whatever this one says. */
  readonly clock?: Clock;
  /** From 0 to 1: spreads reconnections. Default `Math.random`. */
  readonly random?: () => number;
}

// Steps have a time-out of their own, so that the client needs none for each command.
const settings = { RESP: 3, commandOptions: { timeout: 0 } } as const;
type Acquired = number | readonly [owner: string, expiresInMs: number];

/** How long a lease lasts, and its key: what scripts calculate themselves costs the server more. */
function spans(ttlMs: number): readonly [leaseMicros: string, keyMs: string] {
  const wholeMs = Math.ceil(ttlMs);
  return [String(wholeMs * 1_000), String(wholeMs + keepTokenMs)];
}
const optionNames = [
  "url",
  "client",
  "prefix",
  "timeoutMs",
  "clock",
  "random",
] as const satisfies readonly (keyof RedisLeasesOptions)[];
const mostMs = 2_147_483_647;

/**
 * Leases on a Redis server (6.2 or later), for keepers in any number of processes and machines. Opens a connection when
 * it is first asked, and another whenever that broke. Every step is one script on the server. Throws `INVALID_OPTION`;
 * steps reject with `STORE_UNAVAILABLE`, whose `details.reason` says why, or `CLOSED`.
 */
export function redisLeases(options: RedisLeasesOptions): Required<LeaseStore> {
  const { prefix, timeoutMs, dial } = checkOptions(options);
  const { clock = systemClock, random = Math.random } = options;
  // Unlike any other among those who watch a name at once.
  const origin = randomBytes(9).toString("base64url");
  const keyOf = (name: string): string => `${prefix}${name}`;
  const connection = createConnection({
    clock,
    timeoutMs,
    dial,
    opened: (client) => releases.opened(client),
    lost: () => releases.lost(),
  });
  const releases = createReleaseWatch({ clock, random, origin, channelOf: keyOf, ask: connection.ask });
  let isClosed = false;

  const run = (
    step: string,
    { sha, text }: LeaseScript,
    name: string,
    ...args: readonly string[]
  ): Promise<unknown> => {
    const rest = ["1", keyOf(name), ...args];
    return connection.ask(
      step,
      (client) => client.sendCommand(["EVALSHA", sha, ...rest]),
      (client, error) => (isUnknownScript(error) ? client.sendCommand(["EVAL", text, ...rest]) : undefined),
    );
  };

  return {
    async acquire(name, owner, ttlMs) {
      const answer = (await run("acquire a lease", acquireScript, name, owner, ...spans(ttlMs))) as Acquired;
      if (typeof answer === "number") return { acquired: true, token: BigInt(answer) };
      releases.refused(name);
      return { acquired: false, owner: answer[0], expiresInMs: answer[1] };
    },
    async renew(name, owner, token, ttlMs) {
      return (await run("renew a lease", renewScript, name, owner, ...spans(ttlMs), String(token))) === 1;
    },
    async release(name, owner, token) {
      const known = token === undefined ? [] : [String(token)];
      const wasHeld = await run("release a lease", releaseScript, name, owner, origin, ...known);
      if (wasHeld !== 1) return false;
      releases.released(name);
      return true;
    },
    watch(name, released) {
      if (isClosed) throw new LanekeeperError("CLOSED", "These leases are closed. Create new ones.");
      return releases.watch(name, released);
    },
    async close() {
      isClosed = true;
      releases.close();
      await connection.close();
    },
  };
}

/** Whether a server that was started anew, or has forgotten its scripts, says so. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

function checkOptions(options: RedisLeasesOptions): {
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly dial: () => RedisConnection;
} {
  assertKnownOptions("redisLeases", options, optionNames);
  assertTimeOptions("redisLeases", options);
  const { url, client, prefix = "lanekeeper:lease:", timeoutMs = 2_000 } = options;
  if ((url === undefined) === (client === undefined)) {
    throw invalid("url", hidden(url), "given, or the option client, and not both");
  }
  if (typeof prefix !== "string") throw invalid("prefix", prefix, "a text");
  if (!(Number.isFinite(timeoutMs) && timeoutMs >= 1 && timeoutMs <= mostMs)) {
    throw invalid("timeoutMs", timeoutMs, `milliseconds from 1 to ${mostMs}`);
  }
  const dial = url === undefined ? dialLike(client) : dialTo(url, timeoutMs);
  return { prefix, timeoutMs, dial };
}

/** Opens connections to a url. One that is empty would lead to this machine, whatever was meant. */
function dialTo(url: string, timeoutMs: number): () => RedisConnection {
  const socket = { connectTimeout: timeoutMs, reconnectStrategy: false } as const;
  const dial = (): RedisConnection => createClient({ ...settings, url, socket });
  if (typeof url !== "string" || url === "" || !isConnection(attempt(dial)))
    throw invalid("url", hidden(url), "redis[s]://[[user][:password]@][host][:port][/database]");
  return dial;
}

/** Opens connections like a client's. */
function dialLike(client: RedisClientLike | undefined): () => RedisConnection {
  const dial = (): RedisConnection => client!.duplicate(settings);
  if (!isConnection(attempt(dial)))
    throw invalid("client", hidden(client), "a client of node-redis, which has duplicate()");
  return dial;
}

/** A client that is not connected, to see whether there can be one. */
function attempt(dial: () => RedisConnection): unknown {
  try {
    return dial();
  } catch {
    // What it threw may show the password.
    return undefined;
  }
}

function invalid(option: string, got: unknown, takes: string): LanekeeperError {
  return invalidOption(option, got, takes, `The option ${option} of redisLeases`);
}

/** What was given, without what may hold a password: of a url all that follows its protocol, and of a client all. */
function hidden(given: unknown): unknown {
  if (typeof given === "string") return given.replace(/^([a-z+]+:\/\/)?.+$/isu, "$1…");
  return typeof given === "object" && given !== null ? "an object" : given;
}

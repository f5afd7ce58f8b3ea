import type { Clock } from "lanekeeper/ports";
import type { Connection, RedisConnection } from "./redis-connection.ts";

/**
 * Who wants to hear of releases.
 *
 * I1. A release through these leases is told at once, one elsewhere by the server's message.
 * I2. While an ear was deaf something may have been missed: who was refused since it began to watch, or watched when the
 *     connection broke, is told once it hears again, and asks the store.
 * I3. A connection that breaks under a watcher is opened again, after a delay that grows and is not the same for all.
 */
export interface ReleaseWatch {
  /** Listens; returns how to stop. */
  watch(name: string, released: () => void): () => void;
  /** A lease was released here. */
  released(name: string): void;
  /** A lease was refused here. */
  refused(name: string): void;
  /** A connection is open. */
  opened(client: RedisConnection): void;
  /** The connection broke. */
  lost(): void;
  /** Stops all. */
  close(): void;
}

interface Ear {
  readonly listeners: Set<() => void>;
  readonly hear: (origin: string) => void;
  client: RedisConnection | undefined;
  isDeaf: boolean;
  isOwed: boolean;
}

const firstDelayMs = 50;
const mostDelayMs = 2_000;

/** No ears. `origin` marks the messages of these leases, which need not hear themselves. */
export function createReleaseWatch(host: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly origin: string;
  readonly ask: Connection["ask"];
  channelOf(name: string): string;
}): ReleaseWatch {
  const { clock } = host;
  const ears = new Map<string, Ear>();
  let failures = 0;
  let retry: unknown;

  const tell = (name: string): void => {
    for (const released of [...(ears.get(name)?.listeners ?? [])]) released();
  };

  const turnAway = async (name: string, { client, hear }: Ear): Promise<void> =>
    client?.unsubscribe(host.channelOf(name), hear);

  const listen = async (client: RedisConnection, name: string, ear: Ear): Promise<void> => {
    if (ear.client === client) return;
    ear.client = client;
    await client.subscribe(host.channelOf(name), ear.hear);
    if (ears.get(name) !== ear) return turnAway(name, ear);
    failures = 0;
    ear.isDeaf = false;
    if (ear.isOwed) tell(name);
    ear.isOwed = false;
  };

  // Whose ear stays deaf asks the store by itself (B53); a connection that cannot be opened is told to `lost`.
  const ignore = (): void => {};

  return {
    watch(name, released) {
      const listener = (): void => released();
      const known = ears.get(name);
      const ear: Ear = known ?? {
        listeners: new Set(),
        hear: (origin) => {
          if (origin !== host.origin) tell(name);
        },
        client: undefined,
        isDeaf: true,
        isOwed: false,
      };
      ear.listeners.add(listener);
      if (known === undefined) {
        ears.set(name, ear);
        host.ask("listen for releases", (client) => listen(client, name, ear)).catch(ignore);
      }
      return () => {
        if (!ear.listeners.delete(listener) || ear.listeners.size > 0) return;
        ears.delete(name);
        turnAway(name, ear).catch(ignore);
      };
    },
    released: tell,
    refused(name) {
      const ear = ears.get(name);
      if (ear?.isDeaf === true) ear.isOwed = true;
    },
    opened(client) {
      for (const [name, ear] of ears) listen(client, name, ear).catch(ignore);
    },
    lost() {
      for (const ear of ears.values()) Object.assign(ear, { client: undefined, isDeaf: true, isOwed: true });
      if (ears.size === 0 || retry !== undefined) return;
      const delayMs = Math.min(mostDelayMs, firstDelayMs * 2 ** failures++) * (0.5 + host.random());
      retry = clock.setTimeout(() => {
        retry = undefined;
        if (ears.size > 0) host.ask("listen for releases", () => Promise.resolve()).catch(ignore);
      }, delayMs);
    },
    close() {
      ears.clear();
      if (retry !== undefined) clock.clearTimeout(retry);
    },
  };
}

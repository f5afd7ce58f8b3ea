import { type ConnectionOptions, Queue, Worker } from "bullmq";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper } from "lanekeeper";
import { join } from "node:path";

/** One way to accept messages that must not be lost, and to run a turn for each. */
export interface Contender {
  readonly name: string;
  /** What has been done to a message when it counts as accepted: it was synced to disk, or written to the system's cache. */
  readonly keeps: "synced" | "written";
  /** Whether the messages of a session run one at a time, in order. */
  readonly isOrdered: boolean;
  /** Opens an empty one, which runs turns or only accepts messages. */
  open(round: string, isRunning: boolean): Promise<Opened>;
}

/** A contender during a round. */
export interface Opened {
  /** Resolves when the message is accepted; what it gives has `ended` when the end of its turn is recorded. */
  send(sessionKey: string, text: string): Promise<{ readonly ended: Promise<unknown> }>;
  close(): Promise<void>;
}

/** Callers that send at once, each in sessions of its own, and turns that may run at once. */
export const atOnce = 64;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Lanekeeper with its file in a folder. */
export function lanekeeper(folder: string, durability: "full" | "normal"): Contender {
  return {
    name: `Lanekeeper + SQLite, durability ${durability}`,
    keeps: durability === "full" ? "synced" : "written",
    isOrdered: true,
    async open(round, isRunning) {
      const keeper = await createLanekeeper({
        store: sqliteStore(join(folder, `${durability}-${round}.db`), { durability }),
        capacity: { turns: atOnce },
        lane: { cap: 1_000_000 },
        logger: silent,
        turn: () => {},
      });
      if (!isRunning) await keeper.pause();
      return {
        async send(sessionKey, text) {
          const { outcome } = await keeper.send(sessionKey, { text });
          return { ended: outcome };
        },
        close: () => keeper.close(),
      };
    },
  };
}

/** Who waits for the end of which job. */
function createEnds(): { of(id: string): Promise<unknown>; tell(id: string | undefined): void } {
  const ends = new Map<string, () => void>();
  return {
    of: (id) => new Promise<void>((resolve) => ends.set(id, resolve)),
    tell(id = "") {
      ends.get(id)?.();
      ends.delete(id);
    },
  };
}

/** BullMQ on a Redis server. */
export function bullmq(port: number, appendfsync: "always" | "everysec"): Contender {
  const connection: ConnectionOptions = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  return {
    name: `BullMQ + Redis, appendfsync ${appendfsync}`,
    keeps: appendfsync === "always" ? "synced" : "written",
    isOrdered: false,
    async open(round, isRunning) {
      const queue = new Queue(`bench-${round}`, {
        connection,
        defaultJobOptions: { removeOnComplete: true },
      });
      await queue.waitUntilReady();
      const ends = createEnds();
      const options = { connection, concurrency: atOnce };
      const worker = isRunning ? new Worker(queue.name, async () => {}, options) : undefined;
      worker?.on("completed", ({ id }) => ends.tell(id));
      await worker?.waitUntilReady();
      let sent = 0;
      return {
        async send(sessionKey, text) {
          const jobId = `job-${++sent}`;
          const ended = ends.of(jobId);
          await queue.add("turn", { sessionKey, text }, { jobId });
          return { ended };
        },
        async close() {
          await worker?.close();
          await queue.obliterate({ force: true });
          await queue.close();
        },
      };
    },
  };
}

/** graphile-worker on a PostgreSQL server, with a queue for each session. */
export function graphileWorker(connectionString: string): Contender {
  const shared = { connectionString, logger: new Logger(() => () => {}), maxPoolSize: atOnce };
  return {
    name: "graphile-worker + PostgreSQL",
    keeps: "synced",
    isOrdered: true,
    async open(_, isRunning) {
      const utils = await makeWorkerUtils(shared);
      await utils.migrate();
      await utils.withPgClient((client) => client.query("truncate graphile_worker._private_jobs"));
      const ends = createEnds();
      let sent = 0;
      const sendBy =
        ({ addJob }: Pick<typeof utils, "addJob">): Opened["send"] =>
        async (sessionKey, text) => {
          const id = String(++sent);
          const ended = ends.of(id);
          await addJob("turn", { id, text }, { queueName: sessionKey });
          return { ended };
        };
      if (!isRunning) return { send: sendBy(utils), close: async () => utils.release() };
      // One pool for both: two are more connections than the server takes.
      await utils.release();
      const worker = { concurrency: atOnce, noHandleSignals: true, taskList: { turn: async () => {} } };
      const runner = await run({ ...shared, ...worker });
      runner.events.on("job:success", ({ job }) => ends.tell((job.payload as { readonly id: string }).id));
      return { send: sendBy(runner), close: () => runner.stop() };
    },
  };
}

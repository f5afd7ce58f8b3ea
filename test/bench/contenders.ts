import AsyncLock from "async-lock";
import * as fastq from "fastq";
import { createLanekeeper, memoryStore } from "lanekeeper";
import PQueue from "p-queue";

/** How much there is to do: every turn of every session is submitted before the first is awaited. */
export interface Load {
  readonly sessions: number;
  readonly turns: number;
}

/** The work of one turn, the same for every contender. */
export type Work = () => Promise<void>;

/** One way to keep the turns of a session in order. */
export interface Contender {
  readonly name: string;
  /** Makes a fresh one for a round. */
  open(load: Load, work: Work): Promise<Opened> | Opened;
}

/** A contender during a round. */
export interface Opened {
  /** Submits one turn of a session. Settles when that turn is over. */
  submit(sessionKey: string): Promise<unknown>;
  close?(): Promise<void>;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Lanekeeper as its users have it: memory store, real clock, nobody watching. */
export const lanekeeper: Contender = {
  name: "Lanekeeper",
  async open(load, work) {
    const keeper = await createLanekeeper({
      turn: work,
      store: memoryStore(),
      capacity: { turns: load.sessions },
      lane: { cap: Math.max(20, load.turns) },
      logger: silent,
    });
    return {
      async submit(sessionKey) {
        const receipt = await keeper.send(sessionKey, undefined);
        return receipt.outcome;
      },
      close: () => keeper.close(),
    };
  },
};

/** One p-queue a key. */
export const pQueuePerKey: Contender = {
  name: "p-queue per key",
  open(_load, work) {
    const queues = new Map<string, PQueue>();
    return {
      submit(sessionKey) {
        let queue = queues.get(sessionKey);
        if (queue === undefined) queues.set(sessionKey, (queue = new PQueue({ concurrency: 1 })));
        return queue.add(work);
      },
    };
  },
};

const fastqPerKey: Contender = {
  name: "fastq per key",
  open(_load, work) {
    const queues = new Map<string, fastq.queueAsPromised<void, void>>();
    return {
      submit(sessionKey) {
        let queue = queues.get(sessionKey);
        if (queue === undefined)
          queues.set(sessionKey, (queue = fastq.promise<unknown, void, void>(work, 1)));
        return queue.push();
      },
    };
  },
};

const asyncLock: Contender = {
  name: "async-lock",
  open(_load, work) {
    const lock = new AsyncLock({ maxPending: Infinity });
    return { submit: (sessionKey) => lock.acquire(sessionKey, work) };
  },
};

/** The least there is: each turn of a key chained to the one before. */
export const promiseChain: Contender = {
  name: "promise chain per key",
  open(_load, work) {
    const tails = new Map<string, Promise<void>>();
    return {
      submit(sessionKey) {
        const before = tails.get(sessionKey);
        const turn = before === undefined ? work() : before.then(work);
        tails.set(sessionKey, turn);
        return turn;
      },
    };
  },
};

/** Everybody, Lanekeeper first. */
export const contenders: readonly Contender[] = [
  lanekeeper,
  pQueuePerKey,
  fastqPerKey,
  asyncLock,
  promiseChain,
];

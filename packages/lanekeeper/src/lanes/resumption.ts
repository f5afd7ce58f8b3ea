import type { RunQueue } from "../keeper/run-queue.ts";
import type { SessionRecord } from "../store/store.ts";

/**
 * The lanes that start by what recovery has read of their sessions.
 *
 * I1. They start in the order of the records, so many between other steps: the first turns run, and calls are answered,
 *     while most are still to come.
 * I2. What is asked of a session before its lane has started is asked of the store: the record may be out of date then, and
 *     is dropped.
 */
export interface Resumption {
  /** Whether none is to start. */
  readonly isEmpty: boolean;
  /** Lanes that are to start. */
  add(records: readonly SessionRecord[]): void;
  /** Starts them, each in a step of its own. */
  begin(): void;
  /** The record of a session whose lane is still to start. */
  of(sessionKey: string): SessionRecord | undefined;
  /** Starts none for a session. */
  drop(sessionKey: string): void;
}

/** Lanes that start in a row. */
const inARow = 64;

/** Nothing is to start yet. */
export function createResumption(queue: RunQueue, start: (record: SessionRecord) => void): Resumption {
  const records = new Map<string, SessionRecord>();
  const startOne = (record: SessionRecord): void => {
    if (records.delete(record.sessionKey)) start(record);
  };
  const startSome = (given: readonly SessionRecord[], from: number): void => {
    const end = Math.min(from + inARow, given.length);
    for (let index = from; index < end; index++) queue.post(startOne, given[index]!);
    if (end < given.length) queue.post(startSome, given, end);
  };
  return {
    get isEmpty() {
      return records.size === 0;
    },
    add(given) {
      for (const record of given) records.set(record.sessionKey, record);
    },
    begin: () => startSome([...records.values()], 0),
    of: (sessionKey) => records.get(sessionKey),
    drop(sessionKey) {
      records.delete(sessionKey);
    },
  };
}

import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { isUnseenLimit } from "./failures.ts";

/**
 * Sees to it that the log (`-wal`) leaves room for what it holds to be brought into the file: else freed space would go into
 * the log, and a store on a full disk could never give it back.
 *
 * I1. Where space is short, the log takes half of the room there is at most, but for one transaction.
 * I2. After a transaction that had no room, the log is emptied before the next, as soon as what that takes is free.
 * I3. Where there is plenty of space nothing is done but a look at it, once in many transactions.
 */
export interface LogRoom {
  /** Whether a later transaction may find no room for what an earlier one has put off. */
  readonly isTight: boolean;
  /** To be told before a transaction begins. */
  beforeTransaction(): void;
  /** To be told of a transaction that was made to last. */
  committed(): void;
  /** To be told of a transaction whose commit found no room, and of what SQLite threw. */
  refused(error: unknown): void;
}

/** How much room there is, in bytes. */
export interface Room {
  /** What is free where the file is. */
  readonly free: number;
  /** What the file has to grow by to take what the log holds. */
  readonly owed: number;
  readonly log: number;
  /** What the file may take more before it is as large as it may be. */
  readonly below: number;
}

/** What a log is, and where it is. */
export interface LogFile {
  measure(): Room;
  /** Brings what it holds into the file, and gives its space back. Answers whether that could be done. */
  empty(): boolean;
}

/** Bytes: with so much free the log may grow to its usual size, and the file by as much, several times. */
const plenty = 128 * 1_048_576;
/** Bytes below the most that the file may take: with less nothing is put off. */
const littleBelow = 16 * 1_048_576;
/** Bytes: a log that is smaller is let be where nobody knows how much room there is. */
const smallLog = 65_536;
/** Transactions between two looks at a disk that has plenty. */
const looksApart = 256;
/** Transactions between two tries at most, where nothing could be kept since the last. */
const triesApart = 31;

/** The room for a log, which nobody has looked at yet. */
export function createLogRoom(file: LogFile): LogRoom {
  /** Transactions until the next look. */
  let toLook = 0;
  let isRefused = false;
  let isTight = false;
  /** The most the log may grow to where a quota or the like was met, which no look at the disk shows. */
  let most = Number.POSITIVE_INFINITY;
  let pause = 0;
  let toTry = 0;

  const empty = (): void => {
    // Each try waits longer, until something could be kept again.
    pause = Math.min(triesApart, 2 * pause + 1);
    toTry = pause;
    isRefused = !file.empty();
  };
  return {
    get isTight() {
      return isTight;
    },
    beforeTransaction() {
      if (toLook-- > 0) return;
      const { free, owed, log, below } = file.measure();
      const room = free - owed;
      if (log === 0) isRefused = false;
      const isShort = isRefused || room < plenty || most < Number.POSITIVE_INFINITY;
      isTight = isShort || below < littleBelow;
      toLook = isShort || below < plenty ? 0 : looksApart;
      if (!isShort || log === 0 || room < 0) return;
      if (isRefused ? toTry-- <= 0 : log > Math.min(most, room)) empty();
    },
    committed() {
      pause = 0;
      toTry = 0;
    },
    refused(error) {
      isRefused = true;
      toLook = 0;
      if (isUnseenLimit(error)) most = Math.max(smallLog, Math.min(most, file.measure().log / 2));
    },
  };
}

/** The log of a database that this process has for itself. */
export function openLogFile(path: string, database: DatabaseSync): LogFile {
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  const pages = database.prepare("PRAGMA page_count");
  const freePages = database.prepare("PRAGMA freelist_count");
  const { max_page_count } = database.prepare("PRAGMA max_page_count").get() as {
    readonly max_page_count: number;
  };
  const { page_size } = database.prepare("PRAGMA page_size").get() as { readonly page_size: number };
  const folder = dirname(path);
  // Some systems keep a part of each disk for the superuser.
  const isSuperuser = process.geteuid?.() === 0;
  return {
    measure() {
      try {
        const { bavail, bfree, bsize } = statfsSync(folder);
        const { page_count } = pages.get() as { readonly page_count: number };
        const { freelist_count } = freePages.get() as { readonly freelist_count: number };
        return {
          free: (isSuperuser ? bfree : bavail) * bsize,
          owed: Math.max(0, page_count * page_size - sizeOf(path)),
          log: sizeOf(`${path}-wal`),
          below: (max_page_count - page_count + freelist_count) * page_size,
        };
      } catch {
        // What is wrong, and whether it matters, the transaction that is to begin tells.
        const { POSITIVE_INFINITY } = Number;
        return { free: POSITIVE_INFINITY, owed: 0, log: 0, below: POSITIVE_INFINITY };
      }
    },
    empty() {
      try {
        return (checkpoint.get() as { readonly busy: number }).busy === 0;
      } catch {
        // The log is as it was. The transaction that is to begin tells whether there is room for it.
        return false;
      }
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

import { closeSync, existsSync, openSync, readSync } from "node:fs";

/** What the first bytes of a database are, and where the mark of its application is. */
const beginning = Buffer.from("SQLite format 3\0");
const markAt = 68;
/** Where the version is that whoever writes must know, and the last one there is. */
const writeVersionAt = 18;
const knownWriteVersion = 2;
/** The marks of stores and of lease files, but for the last letter. */
const marks = Buffer.from("LnK");
/** What is beside a database while it is open, and after a crash. */
const traces = ["-wal", "-shm", "-journal", "-holder"];

/**
 * Whether a file in which SQLite finds no database never was one of Lanekeeper's, as far as can be told: nothing of one lies
 * beside it, and its head has nothing of one. Where something does, another connection of this process may have the file,
 * and it is not read: closing it again would release that connection's locks.
 */
export function isForeign(path: string): boolean {
  return !traces.some((end) => existsSync(`${path}${end}`)) && !isOfDatabase(readHead(path));
}

/**
 * Whether the head of a file that SQLite would only read says that something else must write it; no version of SQLite has
 * made such files yet. Where another connection of this process may have it, it is not read: a lease file has `-shm` beside
 * it then, and a store's file is not read by SQLite either.
 */
export function isOfAnotherFormat(path: string): boolean {
  return !existsSync(`${path}-shm`) && (readHead(path)[writeVersionAt] ?? 0) > knownWriteVersion;
}

/** Whether a head is that of a database, perhaps cut short or damaged: it begins like one, or is marked, or nothing is left of it. */
function isOfDatabase(head: Buffer): boolean {
  const begun = head.subarray(0, beginning.length);
  const alike = begun.filter((byte, index) => byte === beginning[index]).length;
  const isMarked = head.subarray(markAt, markAt + marks.length).equals(marks);
  return alike > begun.length / 2 || isMarked || head.every((byte) => byte === 0);
}

function readHead(path: string): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const head = Buffer.alloc(100);
    return head.subarray(0, readSync(descriptor, head));
  } finally {
    closeSync(descriptor);
  }
}

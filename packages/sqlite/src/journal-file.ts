import type { DatabaseSync } from "node:sqlite";
import type { Connection } from "./connection.ts";
import { corrupt } from "./failures.ts";
import { checkedText, sumOf } from "./row-text.ts";

/** The rows of the journal in a file, numbered from 1. */
export interface JournalFile {
  /** Throws `STORE_CORRUPT` where they are not those that were written. */
  read(): readonly string[];
  add(number: number, text: string): void;
  /** Removes them all. */
  clear(): void;
}

interface JournalRow {
  readonly number: number;
  readonly data: string;
  readonly sum: number;
}

/** The journal of an opened file. */
export function openJournalFile(connection: Connection): JournalFile {
  const { path, database } = connection;
  const insert = connection.prepare("INSERT INTO journal (number, data, sum) VALUES (?, ?, ?)");
  const remove = connection.prepare("DELETE FROM journal");
  const count = connection.prepare("UPDATE store SET journal = ? WHERE id = 1");
  return {
    read: () => readJournal(path, database),
    add(number, text) {
      connection.write(insert, number, text, sumOf(String(number), text));
      connection.write(count, number);
    },
    clear() {
      connection.write(remove);
      connection.write(count, 0);
    },
  };
}

/** What the journal of a database holds, row by row. Throws `STORE_CORRUPT`. */
export function readJournal(path: string, database: DatabaseSync): readonly string[] {
  const rows = database
    .prepare("SELECT number, data, sum FROM journal ORDER BY number")
    .all() as unknown as readonly JournalRow[];
  const store = database.prepare("SELECT journal FROM store WHERE id = 1").get();
  const count = (store as { readonly journal: number } | undefined)?.journal ?? -1;
  const texts = rows.map((row) => checkedText(path, "journal", String(row.number), row));
  const isInOrder = rows.every(({ number }, index) => number === index + 1);
  if (!isInOrder || count !== rows.length) throw corrupt(path, "a part of its journal is missing");
  return texts;
}

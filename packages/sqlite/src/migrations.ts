import type { DatabaseSync } from "node:sqlite";

/** Marks a file as a store of Lanekeeper: "LnKp". */
export const applicationId = 0x4c6e4b70;

/**
 * How a file of each version becomes one of the next; the first makes an empty file one of version 1. Never changed once
 * released: what is to be different is a migration more.
 *
 * Rows carry what they hold as JSON, with a checksum (`sum`) over it and over the columns that stand beside it.
 */
export const migrations: readonly ((database: DatabaseSync) => void)[] = [
  (database) =>
    database.exec(`
      CREATE TABLE store (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        counter INTEGER NOT NULL,
        version INTEGER NOT NULL,
        is_paused INTEGER NOT NULL,
        opening INTEGER NOT NULL
      ) STRICT;
      INSERT INTO store VALUES (1, 0, 0, 0, 0);

      CREATE TABLE session (
        key TEXT PRIMARY KEY,
        waiting INTEGER NOT NULL,
        held INTEGER NOT NULL,
        marks INTEGER NOT NULL,
        used_at REAL NOT NULL,
        used_hour INTEGER NOT NULL,
        opening INTEGER NOT NULL,
        data TEXT NOT NULL,
        sum INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX session_marks ON session (key, marks, waiting, held) WHERE marks <> 0;
      CREATE INDEX session_used ON session (used_hour);

      CREATE TABLE item (
        seq INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        body TEXT,
        body_sum INTEGER NOT NULL,
        data TEXT NOT NULL,
        sum INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX item_session ON item (session);

      CREATE TABLE remembered (
        session TEXT NOT NULL,
        name TEXT NOT NULL,
        forget_at REAL NOT NULL,
        data TEXT NOT NULL,
        sum INTEGER NOT NULL,
        PRIMARY KEY (session, name)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX remembered_due ON remembered (forget_at);

      CREATE TABLE execution (
        number INTEGER PRIMARY KEY,
        exec_id TEXT NOT NULL UNIQUE,
        session TEXT NOT NULL,
        forget_at REAL,
        data TEXT NOT NULL,
        sum INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX execution_open ON execution (session) WHERE forget_at IS NULL;
      CREATE INDEX execution_due ON execution (forget_at) WHERE forget_at IS NOT NULL;

      CREATE TABLE dead_letter (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        session TEXT NOT NULL,
        at REAL NOT NULL,
        data TEXT NOT NULL,
        sum INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX dead_letter_session ON dead_letter (session);

      CREATE TABLE heartbeat (
        agent TEXT PRIMARY KEY,
        data TEXT NOT NULL,
        sum INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `),
  (database) =>
    database.exec(`
      CREATE TABLE journal (number INTEGER PRIMARY KEY, data TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
      ALTER TABLE store ADD COLUMN journal INTEGER NOT NULL DEFAULT 0;
    `),
];

/** The first format that has a journal. */
export const journalVersion = 2;

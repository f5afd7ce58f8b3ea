import { assert, asyncProperty, double, integer, oneof, pre, string, uint8Array } from "fast-check";
import type { Mailboxes, StoreHost } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { type SqliteStore, sqliteStore } from "@lanekeeper/sqlite";
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import {
  accept,
  completeCommand,
  deadLettered,
  finished,
  limits,
  message,
  openTurn,
  plainEnd,
} from "../conformance/mailbox-store-fixture.ts";
import { temporaryFolder } from "../conformance/temporary-store.ts";

const sessions = ["a", "b", "c"];
const host: StoreHost = { clock: createSimulatedClock(), createId: () => "made" };

/** A file, and what it holds. */
interface Filled {
  readonly path: string;
  readonly holds: unknown;
}

/** Fills a new store with some of everything, and closes it. */
async function createFile(folder: string): Promise<Filled> {
  const path = join(folder, "store.db");
  const store = sqliteStore(path);
  const holds = await readAll(await fill(store));
  await store.close();
  return { path, holds };
}

/** Such a file as a killed process leaves it, with a part of what it holds in the journal; of its log all was moved to it. */
async function createLeftFile(folder: string): Promise<Filled> {
  const running = join(folder, "running.db");
  const store = sqliteStore(running);
  const mailboxes = await fill(store);
  const path = join(folder, "store.db");
  for (const end of ["", "-wal"]) copyFileSync(`${running}${end}`, `${path}${end}`);
  const holds = await readAll(mailboxes);
  await store.close();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  expect(database.prepare("SELECT count(*) > 5 AS is_long FROM journal").get()).toEqual({ is_long: 1 });
  database.close();
  return { path, holds };
}

async function fill(store: SqliteStore): Promise<Mailboxes> {
  const mailboxes = await store.open(host);
  for (const sessionKey of sessions) {
    const end = { sessionKey, turnId: "t", dedupeMs: 900_000, ...plainEnd };
    const items = [];
    for (let index = 0; index < 40; index++)
      items.push(
        (await accept(mailboxes, message(sessionKey, `m${index}`, { text: "word ".repeat(index) }))).item,
      );
    await completeCommand(mailboxes, sessionKey, `exec-${sessionKey}`);
    const held = items.slice(0, 10);
    const { fencingToken } = await openTurn(mailboxes, sessionKey, "t", held);
    const dispositions = held.map((item, index) =>
      index < 5 ? finished(item) : deadLettered(item, `dead-${sessionKey}-${item.id}`),
    );
    await mailboxes.settleTurn({ ...end, fencingToken, dispositions });
    await openTurn(mailboxes, sessionKey, "next", items.slice(10, 12));
  }
  await mailboxes.pause("b", true);
  await mailboxes.recordHeartbeat({ agent: "main", isEnabled: false, starts: [1, 2] });
  return mailboxes;
}

/** All that a keeper could learn from a store. */
async function readAll(mailboxes: Mailboxes): Promise<unknown> {
  const ids = Array.from({ length: 40 }, (_, index) => `m${index}`);
  return {
    known: mailboxes.known,
    backlog: mailboxes.backlog,
    pauses: await mailboxes.pauses(),
    page: await mailboxes.page({ prefix: "", after: undefined, limit: 100 }),
    sessions: await Promise.all(
      sessions.map(async (key) => [
        await mailboxes.session(key),
        await mailboxes.unfinished(key),
        await Promise.all(ids.map(async (id) => mailboxes.find(key, id))),
        await mailboxes.execution(`exec-${key}`),
      ]),
    ),
    abandoned: await mailboxes.abandonedTurns(),
    executions: await mailboxes.openExecutions(),
    heartbeats: await mailboxes.heartbeats(),
    deadLetters: await mailboxes.deadLetters({ sessionKey: undefined, limit: 100 }),
  };
}

/** What comes of opening a file and reading all of it: what it holds, or the code of the refusal. */
async function look(store: SqliteStore): Promise<unknown> {
  try {
    return await readAll(await store.open(host));
  } catch (error) {
    return (error as { readonly code?: unknown }).code ?? error;
  } finally {
    await store.close();
  }
}

/** A file whose head is damaged may be no store of Lanekeeper. */
const isRefusal = new Set<unknown>(["STORE_CORRUPT", "STORE_INCOMPATIBLE"]);

describe("B57 a damaged file", () => {
  it.each([
    ["at rest", createFile],
    ["left by a killed process", createLeftFile],
  ])("is refused, or gives all that it held: one %s with any bit flipped", async (_, create) => {
    const { path, holds } = await create(temporaryFolder());
    const whole = readFileSync(path);
    let refused = 0;
    await assert(
      asyncProperty(
        double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        integer({ min: 0, max: 7 }),
        async (at, bit) => {
          const offset = Math.floor(at * whole.length);
          const damaged = Buffer.from(whole);
          damaged[offset] = damaged[offset]! ^ (1 << bit);
          writeFileSync(path, damaged);
          const seen = await look(sqliteStore(path));
          const isRefused = isRefusal.has(seen);
          if (isRefused) refused++;
          expect(isRefused ? holds : seen).toEqual(holds);
          // Once it is opened, what its journal holds is brought into the tables.
          const isAsIs = create === createLeftFile || readFileSync(path).equals(damaged);
          expect(isRefused && !isAsIs).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(30);
  });

  it("is refused, or gives all that it held: one with any byte of its head changed", async () => {
    const { path, holds } = await createFile(temporaryFolder());
    const whole = readFileSync(path);
    for (let offset = 0; offset < 100; offset++) {
      for (const change of [0x01, 0x5a, 0xff]) {
        const damaged = Buffer.from(whole);
        damaged[offset]! ^= change;
        writeFileSync(path, damaged);
        const seen = await look(sqliteStore(path));
        expect([...isRefusal, holds], `byte ${offset} changed by ${change}`).toContainEqual(seen);
      }
    }
  });

  it("is refused as damaged after a crash too: one that is marked as of another format", async () => {
    const folder = temporaryFolder();
    const store = sqliteStore(join(folder, "running.db"));
    await accept(await store.open(host), message("a", "m"));
    const path = join(folder, "store.db");
    for (const end of ["", "-wal", "-holder"])
      copyFileSync(join(folder, `running.db${end}`), `${path}${end}`);
    await store.close();
    const damaged = readFileSync(path);
    damaged[18]! ^= 0x5a;
    writeFileSync(path, damaged);
    await expect(open(path)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("is refused, and left as it is: one cut short anywhere", async () => {
    const folder = temporaryFolder();
    const { path } = await createFile(folder);
    const whole = readFileSync(path);
    const cutTo = async (length: number): Promise<void> => {
      const cut = whole.subarray(0, length);
      writeFileSync(path, cut);
      expect(await look(sqliteStore(path)), `${length} bytes are left`).toBe("STORE_CORRUPT");
      expect(readFileSync(path).equals(cut)).toBe(true);
    };
    for (let length = 1; length < 130; length++) await cutTo(length);
    await assert(asyncProperty(integer({ min: 130, max: whole.length - 1 }), cutTo), { numRuns: 100 });
  });

  it.each([
    ["its first bytes are others", (whole: Buffer) => whole.fill("lost", 0, 40)],
    ["its first page is empty", (whole: Buffer) => whole.fill(0, 0, 4_096)],
  ])("is refused as damaged, not as somebody else's: %s", async (_, damage) => {
    const { path } = await createFile(temporaryFolder());
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    expect(await look(sqliteStore(path))).toBe("STORE_CORRUPT");
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  it.each([
    ["was made empty", (path: string) => truncateSync(path)],
    ["is gone", (path: string) => rmSync(path)],
    ["became a text", (path: string) => writeFileSync(path, "Dear diary")],
  ])("is refused as damaged, and its log is kept: one that %s after a crash", async (_, damage) => {
    const folder = temporaryFolder();
    const store = sqliteStore(join(folder, "running.db"));
    await accept(await store.open(host), message("a", "m"));
    const path = join(folder, "store.db");
    for (const end of ["", "-wal"]) copyFileSync(join(folder, `running.db${end}`), `${path}${end}`);
    await store.close();
    damage(path);
    const log = readFileSync(`${path}-wal`);
    expect(log.length).toBeGreaterThan(0);
    await expect(open(path)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
  });

  it.each([
    ["a page of it has changed", (file: Buffer) => file.fill(0xee, 5 * 4_096, 6 * 4_096)],
    ["it ends early", (file: Buffer) => file.subarray(0, 5 * 4_096)],
  ])("is refused after a crash, and it and its log are left as they are: %s", async (_, damage) => {
    const folder = temporaryFolder();
    const made = await createFile(folder);
    const store = sqliteStore(made.path);
    await accept(await store.open(host), message("d", "m"));
    const path = join(folder, "crashed.db");
    for (const end of ["", "-wal"]) copyFileSync(`${made.path}${end}`, `${path}${end}`);
    await store.close();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    const log = readFileSync(`${path}-wal`);
    expect(log.length).toBeGreaterThan(0);
    await expect(open(path)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(readFileSync(path).equals(damaged)).toBe(true);
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith("crashed"))).toEqual([
      "crashed.db",
      "crashed.db-wal",
    ]);
  });

  it("is whole with its log: one into which a crash, or a full disk, let only some pages of the log be moved", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "store.db");
    const store = sqliteStore(path);
    const mailboxes = await store.open(host);
    const large = "x".repeat(20_000);
    for (let index = 0; index < 5; index++) await accept(mailboxes, message("a", `m${index}`, large));
    const holds = await readAll(mailboxes);
    const copyTo = (name: string): string => {
      const copy = join(folder, name);
      copyFileSync(path, copy);
      copyFileSync(`${path}-wal`, `${copy}-wal`);
      return copy;
    };
    const moved = copyTo("moved.db");
    const database = new DatabaseSync(moved);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    const whole = readFileSync(moved);
    const before = readFileSync(path);
    expect(whole.length).toBeGreaterThan(before.length + 80_000);
    for (let pages = 0; pages <= whole.length / 4_096; pages++) {
      const torn = copyTo("torn.db");
      const rest = before.subarray(pages * 4_096);
      writeFileSync(torn, Buffer.concat([whole.subarray(0, pages * 4_096), rest]));
      expect(await look(sqliteStore(torn))).toEqual(holds);
    }
    await store.close();
  });

  it.each([
    ["a row of it has changed", "UPDATE journal SET data = replace(data, 'm3', 'm4') WHERE number = 4"],
    ["its last row is missing", "DELETE FROM journal WHERE number = (SELECT max(number) FROM journal)"],
    ["a row in its midst is missing", "DELETE FROM journal WHERE number = 3"],
  ])("is refused, and left as it is: one whose journal is damaged, %s", async (_, damage) => {
    const { path } = await createLeftFile(temporaryFolder());
    const database = new DatabaseSync(path);
    expect(database.prepare(damage).run().changes).toBe(1);
    database.close();
    const damaged = readFileSync(path);
    expect(await look(sqliteStore(path))).toBe("STORE_CORRUPT");
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  it("is written no more once damage was found, and says so to every step", async () => {
    const folder = temporaryFolder();
    const { path } = await createFile(folder);
    const database = new DatabaseSync(path);
    database.exec("UPDATE item SET data = replace(data, 'm20', 'm99') WHERE session = 'b'");
    database.close();
    const store = sqliteStore(path);
    const mailboxes = await store.open(host);
    const before = readFileSync(path);
    const append = async (key: string): Promise<unknown> => mailboxes.append(message(key, "new"), limits);
    await expect(append("b")).rejects.toMatchObject({ code: "STORE_CORRUPT", details: { path } });
    await expect(append("a")).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(readFileSync(path).equals(before)).toBe(true);
    await store.close();
  });
});

describe("a file that is no store of this version", () => {
  it("is refused and left as it is, with nothing beside it: another program's database", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "other.db");
    const database = new DatabaseSync(path);
    database.exec(
      "PRAGMA journal_mode = WAL; CREATE TABLE pets (name TEXT); INSERT INTO pets VALUES ('Rex')",
    );
    database.close();
    const before = readFileSync(path);
    await expect(open(path)).rejects.toMatchObject({ code: "STORE_INCOMPATIBLE", details: { path } });
    expect([readFileSync(path).equals(before), readdirSync(folder)]).toEqual([true, ["other.db"]]);
  });

  it("is refused and left as it is: a later version's", async () => {
    const folder = temporaryFolder();
    const { path } = await createFile(folder);
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const before = readFileSync(path);
    await expect(open(path)).rejects.toMatchObject({
      code: "STORE_INCOMPATIBLE",
      details: { version: 99, known: 2 },
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("is refused and left as it is, with nothing beside it: a text of any length, or what else is no database", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "notes.txt");
    const texts = string({ unit: "grapheme", minLength: 1, maxLength: 5_000 }).map((text) =>
      Buffer.from(text),
    );
    await assert(
      asyncProperty(oneof(texts, uint8Array({ minLength: 8 })), async (bytes) => {
        pre(
          bytes.some((byte) => byte !== 0) && !"SQLite format 3".startsWith(String.fromCharCode(bytes[0]!)),
        );
        writeFileSync(path, bytes);
        await expect(open(path)).rejects.toMatchObject({
          code: "STORE_INCOMPATIBLE",
          details: { path },
          message: expect.stringContaining("is no SQLite database") as string,
        });
        expect([readFileSync(path).equals(bytes), readdirSync(folder)]).toEqual([true, ["notes.txt"]]);
      }),
      { numRuns: 50 },
    );
  });

  it("is brought up to date: one of the first format, which had no journal", async () => {
    const { path, holds } = await createFile(temporaryFolder());
    const database = new DatabaseSync(path);
    database.exec("DROP TABLE journal; ALTER TABLE store DROP COLUMN journal; PRAGMA user_version = 1");
    database.close();
    expect(await look(sqliteStore(path))).toEqual(holds);
    const store = sqliteStore(path);
    await accept(await store.open(host), message("d", "new"));
    await store.close();
    expect(await look(sqliteStore(path))).toMatchObject({ backlog: 88, known: 4 });
  });

  it("leaves one file when it is closed, also where a killed process has left more", async () => {
    const folder = temporaryFolder();
    const { path, holds } = await createLeftFile(folder);
    rmSync(join(folder, "running.db"));
    // SQLite makes it for whoever only reads.
    writeFileSync(`${path}-shm`, Buffer.alloc(32_768));
    expect(await look(sqliteStore(path))).toEqual(holds);
    expect(readdirSync(folder)).toEqual(["store.db"]);
  });

  it("is made a store where it is empty", async () => {
    const path = join(temporaryFolder(), "store.db");
    writeFileSync(path, "");
    const store = sqliteStore(path);
    const mailboxes = await store.open(host);
    await accept(mailboxes, message("s", "m"));
    await store.close();
    const again = await store.open(host);
    expect(again.backlog).toBe(1);
    await store.close();
  });

  it("is refused with a reason: in a folder that does not exist", async () => {
    await expect(open(join(temporaryFolder(), "no", "store.db"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      details: { reason: "cannot-open" },
    });
  });
});

async function open(path: string): Promise<Mailboxes> {
  return sqliteStore(path).open(host);
}

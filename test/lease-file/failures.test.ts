import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteLeases, type SqliteLeasesOptions } from "@lanekeeper/sqlite";
import { createLanekeeper } from "lanekeeper";
import type { Clock } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it, onTestFinished } from "vitest";
import { forbidWriting } from "../durability/forbidden-writing.ts";
import { openLeases, take, temporaryFolder } from "./lease-files.ts";

const ttlMs = 60_000;
const unavailable = (reason: string): object => ({ code: "STORE_UNAVAILABLE", details: { reason } });

it("fails with its reason where there is no folder, and works once there is", async () => {
  const folder = join(temporaryFolder(), "not yet");
  const leases = openLeases(join(folder, "leases.db"));
  await expect(leases.acquire("lock", "one", ttlMs)).rejects.toMatchObject(unavailable("cannot-open"));
  mkdirSync(folder);
  await take(leases, "lock", "one");
});

it("is full at its limit, keeps what it granted, and goes on once there is room", async () => {
  const leases = openLeases(join(temporaryFolder(), "leases.db"), { maxBytes: 1_048_576 });
  const owner = "x".repeat(20_000);
  let granted = 0;
  let failure: unknown;
  for (; failure === undefined && granted < 1_000; granted++) {
    failure = await leases.acquire(`lock ${granted}`, owner, ttlMs).then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  expect(failure).toMatchObject(unavailable("full"));
  expect(await leases.acquire("lock 0", "other", ttlMs)).toMatchObject({ acquired: false, owner });
  for (let index = 0; index < 3; index++) expect(await leases.release(`lock ${index}`, owner)).toBe(true);
  await take(leases, "another", owner);
});

it("fails with its reason where it may not write, and works once it may", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "leases.db");
  const before = openLeases(path);
  await take(before, "lock", "one");
  await before.close();
  const leases = openLeases(path);
  const giveBack = forbidWriting(folder, path);
  try {
    await expect(leases.acquire("lock", "one", ttlMs)).rejects.toMatchObject(unavailable("read-only"));
  } finally {
    giveBack();
  }
  await take(leases, "lock", "one");
});

it.for<[string, (path: string) => void]>([
  ["was truncated", (path) => truncateSync(path, 4_096)],
  [
    "has other bits",
    (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0xff, 4_096, 3 * 4_096);
      writeFileSync(path, bytes);
    },
  ],
  [
    "is marked as of another format",
    (path) => {
      const bytes = readFileSync(path);
      bytes[18]! ^= 0x5a;
      writeFileSync(path, bytes);
    },
  ],
])("refuses a file that %s with STORE_CORRUPT, and leaves it as it is", async ([, damage]) => {
  const path = join(temporaryFolder(), "leases.db");
  const before = openLeases(path);
  await take(before, "lock", "one");
  await before.close();
  damage(path);
  const bytes = readFileSync(path);
  await expect(openLeases(path).acquire("another", "two", ttlMs)).rejects.toMatchObject({
    code: "STORE_CORRUPT",
    message: expect.stringMatching(
      /^The lease file .* is damaged \(.+\)\. Nothing more is written to it\. Remove it with its -wal and -shm: all leases are free then, and tokens go on\.$/su,
    ) as string,
  });
  expect(readFileSync(path)).toEqual(bytes);
});

it("refuses a database of somebody else and one of a later version, and changes none", async () => {
  const folder = temporaryFolder();
  const foreign = join(folder, "foreign.db");
  const other = new DatabaseSync(foreign);
  other.exec("CREATE TABLE notes (text TEXT)");
  other.close();
  const later = join(folder, "later.db");
  await take(openLeases(later), "lock", "one");
  const raised = new DatabaseSync(later);
  raised.exec("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE)");
  raised.close();
  for (const path of [foreign, later]) {
    const bytes = readFileSync(path);
    await expect(openLeases(path).acquire("lock", "one", ttlMs)).rejects.toMatchObject({
      code: "STORE_INCOMPATIBLE",
    });
    expect(readFileSync(path)).toEqual(bytes);
  }
});

it.for([1, 10, 5_000])(
  "refuses a text of %i bytes as somebody else's, and changes nothing",
  async (length) => {
    const folder = temporaryFolder();
    const path = join(folder, "notes.txt");
    writeFileSync(path, "Dear diary, ".repeat(length).slice(0, length));
    const bytes = readFileSync(path);
    await expect(openLeases(path).acquire("lock", "one", ttlMs)).rejects.toMatchObject({
      code: "STORE_INCOMPATIBLE",
      message: `${path} is no SQLite database. It was left as it is; give the leases a path of their own. If leases were here before, something has written over them: remove the file, and all are free.`,
    });
    expect([readFileSync(path), readdirSync(folder)]).toEqual([bytes, ["notes.txt"]]);
  },
);

it("takes an empty file for its own", async () => {
  const path = join(temporaryFolder(), "leases.db");
  writeFileSync(path, "");
  await take(openLeases(path), "lock", "one");
  expect(await openLeases(path).acquire("lock", "two", ttlMs)).toMatchObject({ owner: "one" });
});

it("waits for another process's step, no longer than its time-out", async () => {
  const path = join(temporaryFolder(), "leases.db");
  const clock = createSimulatedClock();
  const leases = openLeases(path, { clock, timeoutMs: 500 });
  await take(leases, "lock", "one");
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const refused = leases.acquire("lock", "one", ttlMs).catch((error: unknown) => error);
  await clock.advance(600);
  expect(await refused).toMatchObject(unavailable("locked"));
  const patient = leases.acquire("lock", "one", ttlMs);
  await clock.advance(100);
  other.exec("ROLLBACK");
  await clock.advance(100);
  expect(await patient).toMatchObject({ acquired: true });
  other.exec("BEGIN IMMEDIATE");
  const closed = leases.acquire("lock", "one", ttlMs).catch((error: unknown) => error);
  await leases.close();
  await clock.advance(100);
  expect(await closed).toMatchObject({ code: "CLOSED" });
});

it.for<[string, unknown, SqliteLeasesOptions?]>([
  ["path", ""],
  ["path", ":memory:"],
  ["path", undefined],
  ["path", "a\0b"],
  ["path", "file:leases.db"],
  ["options", "leases.db", null as unknown as SqliteLeasesOptions],
  ["maxbytes", "leases.db", { maxbytes: 1 } as SqliteLeasesOptions],
  ["timeoutMs", "leases.db", { timeoutMs: 0 }],
  ["timeoutMs", "leases.db", { timeoutMs: Number.NaN }],
  ["maxBytes", "leases.db", { maxBytes: 10 }],
  ["clock", "leases.db", { clock: Date as unknown as Clock }],
  ["random", "leases.db", { random: 0.5 as unknown as () => number }],
  ...[
    5,
    null,
    () => 1,
    {},
    { bootId: "boot" },
    { sinceBootMs: () => 1 },
    { bootId: 7, sinceBootMs: () => 1 },
    { bootId: "boot", sinceBootMs: 1 },
    { bootId: "boot", sinceBootMs: () => "1" },
    { bootId: "boot", sinceBootMs: () => Number.NaN },
    { bootId: "boot", sinceBootMs: () => -1 },
  ].map((bootClock): [string, string, SqliteLeasesOptions] => [
    "bootClock",
    "leases.db",
    { bootClock: bootClock as SqliteLeasesOptions["bootClock"] },
  ]),
])("refuses what cannot be: %s of %o, %o", ([option, path, options]) => {
  expect(() => sqliteLeases(path as string, options)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
  );
});

it("names an unknown option, and those that are known", () => {
  expect(() => sqliteLeases("leases.db", { timeout: 5 } as SqliteLeasesOptions)).toThrow(
    "Unknown option timeout of sqliteLeases. Known: timeoutMs, maxBytes, clock, bootClock, random. Remove it",
  );
});

it("B53 refuses whoever asks a keeper for a lock at once where the file can never hold leases, naming it", async () => {
  const path = join(temporaryFolder(), "foreign.db");
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE notes (text TEXT)");
  other.close();
  const keeper = await createLanekeeper({ leases: sqliteLeases(path), turn: () => undefined });
  onTestFinished(() => keeper.close());
  const { locks } = keeper;
  const refused = {
    code: "STORE_INCOMPATIBLE",
    message: expect.stringContaining(path) as string,
    details: expect.objectContaining({ path }) as object,
  };
  // By the machine's clock: one that waited would still wait when the test's time is over.
  const patient = { waitMs: 3_600_000 };
  await expect(locks.acquire("lock", patient)).rejects.toMatchObject(refused);
  await expect(locks.using("lock", () => undefined, patient)).rejects.toMatchObject(refused);
  await expect(locks.tryAcquire("lock")).rejects.toMatchObject(refused);
});

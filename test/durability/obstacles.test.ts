import { sqliteLeases, sqliteStore } from "@lanekeeper/sqlite";
import type { LanekeeperError } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../conformance/temporary-store.ts";
import { actAsNobody } from "./forbidden-writing.ts";

/** What is in the way of a file `kept.db` in a folder, and what a refusal says then. */
interface Case {
  readonly reason: "cannot-open" | "name-too-long" | "read-only";
  /** Puts it in the way; the file is there. Answers the path to open. */
  prepare(path: string, folder: string): string;
  /** What the message says, `FOLDER` being the folder. */
  readonly says: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  "a folder": {
    reason: "cannot-open",
    prepare: (_, folder) => folder,
    says: ["The file FOLDER cannot be used: it is a folder.", "such as FOLDER/lanekeeper.db"],
  },
  "a file in a folder that does not exist": {
    reason: "cannot-open",
    prepare: (_, folder) => join(folder, "no", "kept.db"),
    says: ["the folder FOLDER/no does not exist.", "make it (mkdir -p)"],
  },
  "a file in what is no folder": {
    reason: "cannot-open",
    prepare: (path) => join(path, "kept.db"),
    says: ["FOLDER/kept.db is a file, not a folder."],
  },
  "a file far below what is no folder": {
    reason: "cannot-open",
    prepare: (path) => join(path, "a", "kept.db"),
    says: ["a part of the path FOLDER/kept.db/a is a file."],
  },
  "a file with too long a name": {
    reason: "name-too-long",
    prepare: (_, folder) => join(folder, "n".repeat(300)),
    says: ["its path or a name in it is longer than the system takes", "give a shorter one"],
  },
  "a file in a folder with too long a name": {
    reason: "name-too-long",
    prepare: (_, folder) => join(folder, "n".repeat(300), "kept.db"),
    says: ["its path or a name in it is longer than the system takes"],
  },
  "a file whose name has no room for what SQLite adds to it": {
    reason: "name-too-long",
    prepare: (_, folder) => join(folder, "n".repeat(250)),
    says: ["its path or a name in it is longer than the system takes", "adds up to 8 characters"],
  },
  "a device": {
    reason: "cannot-open",
    prepare: () => "/dev/null",
    says: ["The file /dev/null cannot be used: it is no regular file"],
  },
  "a file that this user may not read": {
    reason: "cannot-open",
    prepare(path) {
      chmodSync(path, 0);
      return path;
    },
    says: ["may not read it (its mode is 000)"],
  },
  "a file in a folder that this user may not enter": {
    reason: "cannot-open",
    prepare(path, folder) {
      chmodSync(folder, 0);
      return path;
    },
    says: ["may not enter the folder FOLDER.", "chmod +x"],
  },
  "a file below a folder that this user may not enter": {
    reason: "cannot-open",
    prepare(_, folder) {
      mkdirSync(join(folder, "below"));
      chmodSync(folder, 0);
      return join(folder, "below", "kept.db");
    },
    says: ["may not enter one of the folders above FOLDER/below."],
  },
  "a read-only file": {
    reason: "read-only",
    prepare(path) {
      chmodSync(path, 0o444);
      return path;
    },
    says: ["The file FOLDER/kept.db cannot be used: it may not be written by this user", "its mode is 444."],
  },
  "a file in a read-only folder": {
    reason: "read-only",
    prepare(path, folder) {
      chmodSync(path, 0o666);
      chmodSync(folder, 0o555);
      return path;
    },
    says: [
      "the folder FOLDER, where SQLite makes files beside it, may not be written by",
      "its mode is 555.",
    ],
  },
  "a new file in a read-only folder": {
    reason: "read-only",
    prepare(_, folder) {
      chmodSync(folder, 0o555);
      return join(folder, "new.db");
    },
    says: ["The file FOLDER/new.db cannot be used: the folder FOLDER,", "its mode is 555."],
  },
  "a file with a log of another user's": {
    reason: "read-only",
    prepare(path) {
      chmodSync(path, 0o666);
      writeFileSync(`${path}-wal`, "x".repeat(5_000), { mode: 0o444 });
      return path;
    },
    says: ["FOLDER/kept.db-wal, which belongs to it, may not be written by", "its mode is 444."],
  },
};

it("B57 leaves nothing of a store whose name has no room for what SQLite adds to it", async () => {
  const folder = temporaryFolder();
  const host = { clock: createSimulatedClock(), createId: () => "id" };
  const open = async (): Promise<unknown> => sqliteStore(join(folder, "n".repeat(250))).open(host);
  await expect(open()).rejects.toMatchObject({ details: { reason: "name-too-long" } });
  expect(readdirSync(folder)).toEqual([]);
});

const uses: Readonly<Record<string, (path: string) => Promise<void>>> = {
  async store(path) {
    const store = sqliteStore(path);
    await store.open({ clock: createSimulatedClock(), createId: () => "id" });
    await store.close();
  },
  async "lease file"(path) {
    const leases = sqliteLeases(path);
    try {
      await leases.acquire("lock", "one", 60_000);
    } finally {
      await leases.close();
    }
  },
};

describe.each(Object.entries(uses))("B57 a %s says what is in its way, and what to do", (_, use) => {
  it.each(Object.entries(cases))("%s", async (__, { reason, prepare, says }) => {
    const folder = temporaryFolder();
    const kept = join(folder, "kept.db");
    await use(kept);
    chmodSync(folder, 0o777);
    const bytes = readFileSync(kept);
    const names = readdirSync(folder);
    const path = prepare(kept, folder);
    const actAsBefore = actAsNobody();
    const refused = await use(path).catch((error: unknown) => error);
    actAsBefore();
    chmodSync(folder, 0o755);
    chmodSync(kept, 0o644);
    expect(refused).toMatchObject({ code: "STORE_UNAVAILABLE", details: { path, reason } });
    const { message } = refused as LanekeeperError;
    for (const text of says) expect(message).toContain(text.replaceAll("FOLDER", folder));
    expect(message).toMatch(/and try again\.$/u);
    expect(readFileSync(kept)).toEqual(bytes);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(names));
  });
});

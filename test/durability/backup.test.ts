import { sqliteStore } from "@lanekeeper/sqlite";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { accept, announced, idsOf, message, openStore } from "../conformance/mailbox-store-fixture.ts";
import { temporaryFolder, temporaryStore } from "../conformance/temporary-store.ts";

it("copies a store while it goes on: what was accepted before is in the copy, and what comes meanwhile is accepted", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  const ids = Array.from({ length: 300 }, (_, index) => `m${index}`);
  const large = "x".repeat(20_000);
  const wide = {
    cap: 1_000,
    eventCap: 1,
    overflow: "reject",
    summarize: () => "",
    backlog: undefined,
    dedupeMs: 0,
  } as const;
  await Promise.all(ids.map(async (id) => accept(mailboxes, message("s", id, large), wide)));
  const folder = temporaryFolder();
  const copy = join(folder, "copy.db");
  const progress = { isCopied: false };
  const copying = store.backup(copy).then(() => void (progress.isCopied = true));
  const meanwhile: string[] = [];
  while (!progress.isCopied) {
    const id = `meanwhile${meanwhile.length}`;
    await accept(mailboxes, message("t", id, large), wide);
    meanwhile.push(id);
  }
  await copying;
  expect(meanwhile.length).toBeGreaterThan(1);
  expect(readdirSync(folder)).toEqual(["copy.db"]);

  const restored = await openStore(() => sqliteStore(copy));
  expect(idsOf(await restored.mailboxes.waiting("s"))).toEqual(ids);
  const came = idsOf(await restored.mailboxes.waiting("t"));
  expect(came).toEqual(meanwhile.slice(0, came.length));
  await restored.store.close();
  expect(idsOf(await mailboxes.waiting("t"))).toEqual(meanwhile);
});

it("copies a store in which a change is under way when the copy is begun", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  const folder = temporaryFolder();
  const copies = Array.from({ length: 20 }, (_, index) => `copy${index}.db`);
  for (const copy of copies) {
    const copying = store.backup(join(folder, copy));
    await mailboxes.recordExecution(announced("s", copy));
    await copying;
  }
  expect(readdirSync(folder).toSorted()).toEqual(copies.toSorted());
});

it("overwrites nothing, and says where there is nothing to copy", async () => {
  const store = temporaryStore();
  const { reopen } = await openStore(() => store);
  const taken = join(temporaryFolder(), "taken.db");
  writeFileSync(taken, "mine");
  await expect(store.backup(taken)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  await expect(store.backup("file:copy.db")).rejects.toMatchObject({ code: "INVALID_OPTION" });
  const nowhere = join(temporaryFolder(), "no");
  await expect(store.backup(join(nowhere, "copy.db"))).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining(`the folder ${nowhere} does not exist`) as string,
  });
  await store.close();
  await expect(store.backup(join(temporaryFolder(), "copy.db"))).rejects.toMatchObject({ code: "CLOSED" });
  await reopen();
});

it("refuses a second copy to the path of one that is being made, and leaves that one alone", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  await accept(mailboxes, message("s", "m"));
  const folder = temporaryFolder();
  const copy = join(folder, "copy.db");
  const copying = store.backup(copy);
  await expect(store.backup(join(folder, ".", "copy.db"))).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: `A backup to ${copy} is being made already. Wait for it, or give this one a path of its own.`,
    details: { option: "path" },
  });
  await copying;
  expect(readdirSync(folder)).toEqual(["copy.db"]);
  const restored = await openStore(() => sqliteStore(copy));
  expect(idsOf(await restored.mailboxes.waiting("s"))).toEqual(["m"]);
  await restored.store.close();
});

it("leaves the path to whoever gave a file that name while the copy was being made", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  await accept(mailboxes, message("s", "m"));
  const folder = temporaryFolder();
  const copy = join(folder, "copy.db");
  const copying = store.backup(copy);
  writeFileSync(copy, "another process's");
  await expect(copying).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: `There is a file ${copy} already. Give the backup a name of its own; nothing is overwritten.`,
  });
  expect(readFileSync(copy, "utf8")).toBe("another process's");
  expect(readdirSync(folder)).toEqual(["copy.db"]);
});

it("takes the place of no link either, of one that leads nowhere", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  await accept(mailboxes, message("s", "m"));
  const folder = temporaryFolder();
  const copy = join(folder, "copy.db");
  symlinkSync(join(folder, "nowhere"), copy);
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  expect(readlinkSync(copy)).toBe(join(folder, "nowhere"));
  expect(readdirSync(folder)).toEqual(["copy.db"]);
});

it("removes what a killed process has left of a copy to the same path, and nothing of one that runs", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  await accept(mailboxes, message("s", "m"));
  const folder = temporaryFolder();
  const { pid: killed } = spawnSync(process.execPath, ["--version"]);
  const kept = [`copy.db.${process.ppid}-a.partial`, `other.db.${killed}-a.partial`];
  for (const name of [...kept, `copy.db.${killed}-a.partial`, `copy.db.${killed}-a.partial-journal`])
    writeFileSync(join(folder, name), "half");
  await store.backup(join(folder, "copy.db"));
  expect(readdirSync(folder).toSorted()).toEqual(["copy.db", ...kept]);
});

it("waits with closing for a copy that is being made", async () => {
  const store = temporaryStore();
  const { mailboxes } = await openStore(() => store);
  await accept(mailboxes, message("s", "m"));
  const copy = join(temporaryFolder(), "copy.db");
  const copying = store.backup(copy);
  await store.close();
  await copying;
  const restored = await openStore(() => sqliteStore(copy));
  expect(idsOf(await restored.mailboxes.waiting("s"))).toEqual(["m"]);
  await restored.store.close();
});

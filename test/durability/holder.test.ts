import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper, type LanekeeperEvent } from "lanekeeper";
import type { StoreHost } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { linkSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../conformance/temporary-store.ts";

const host: StoreHost = { clock: createSimulatedClock(), createId: () => "made" };

it("B59 a store that is open is in use, under any name of its file, and says who has it; at rest it is one file", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "store.db");
  const holder = sqliteStore(path);
  await holder.open(host);
  const alias = join(temporaryFolder(), "alias");
  symlinkSync(folder, alias);
  mkdirSync(join(folder, "inner"));
  for (const name of [path, join(alias, "store.db"), join(folder, "inner", "..", "store.db")]) {
    const opening = async (): Promise<unknown> => sqliteStore(name).open(host);
    await expect(opening()).rejects.toMatchObject({ code: "STORE_IN_USE", details: { pid: process.pid } });
  }
  await holder.close();
  const next = sqliteStore(join(alias, "store.db"));
  await expect((async () => next.open(host))()).resolves.toBeDefined();
  await next.close();
  expect(new Set(readdirSync(folder))).toEqual(new Set(["inner", "store.db"]));
});

it("B59 a store that this process has open through another link is said to be this process's", async () => {
  const folder = temporaryFolder();
  const holder = sqliteStore(join(folder, "store.db"));
  await holder.open(host);
  const link = join(folder, "link.db");
  linkSync(join(folder, "store.db"), link);
  const opening = async (): Promise<unknown> => sqliteStore(link).open(host);
  await expect(opening()).rejects.toMatchObject({
    code: "STORE_IN_USE",
    message: expect.stringMatching(
      /^This very process has the store .* open, as .*store\.db\. Close it there/u,
    ) as string,
    details: { path: link, pid: process.pid },
  });
  await holder.close();
  await expect(opening()).resolves.toBeDefined();
});

it("B59 a keeper whose file another keeper has now says so once and closes itself; its work is the other's", async () => {
  const clock = createSimulatedClock();
  const store = sqliteStore(join(temporaryFolder(), "store.db"));
  const ends: ((reply: string) => void)[] = [];
  const open = () =>
    createLanekeeper<string, string>({
      clock,
      store,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      turn: () => new Promise((resolve) => ends.push(resolve)),
    });
  const first = await open();
  const events: LanekeeperEvent[] = [];
  first.events$.subscribe((event) => events.push(event));
  const receipt = await first.send("s", "x", { id: "x" });
  await clock.settle();
  await store.close();
  const next = await open();
  ends[0]!("late");
  await clock.advance(60_000);
  await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
  expect(first.stats().health).toBe("closed");
  expect(events.filter(({ type }) => type === "health.changed" || type === "store.failed")).toMatchObject([
    { type: "store.failed", error: { code: "STORE_IN_USE" } },
    { type: "health.changed", health: "closed", reason: "store-in-use" },
  ]);
  await expect(first.send("s", "y")).rejects.toMatchObject({ code: "STORE_IN_USE" });
  await first.close();
  ends[1]!("of the next");
  await expect((await next.attach("s", "x"))!.reply()).resolves.toBe("of the next");
  await next.close();
});

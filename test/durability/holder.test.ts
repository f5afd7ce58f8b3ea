import { sqliteStore } from "@lanekeeper/sqlite";
import type { StoreHost } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
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

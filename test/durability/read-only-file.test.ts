import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../conformance/temporary-store.ts";
import { forbidWriting } from "./forbidden-writing.ts";

it("B57 no keeper is created on a file that may not be written, which stays as it is; once it may, all of it runs", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "store.db");
  const ran: string[] = [];
  const open = (): ReturnType<typeof createLanekeeper<string, string>> =>
    createLanekeeper<string, string>({
      store: sqliteStore(path),
      clock,
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      turn({ messages }) {
        ran.push(...messages.map(({ id }) => id));
        return "done";
      },
    });
  const clock = createSimulatedClock();
  const first = await open();
  await first.pause();
  for (const id of ["a", "b"]) await first.send("s", "text", { id });
  await first.close();
  const before = readFileSync(path);
  const giveBack = forbidWriting(folder, path);
  try {
    await expect(open()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      details: { reason: "read-only" },
    });
  } finally {
    giveBack();
  }
  expect([readFileSync(path).equals(before), readdirSync(folder)]).toEqual([true, ["store.db"]]);
  const next = await open();
  await next.resume();
  await clock.settle();
  expect(ran).toEqual(["a", "b"]);
  await next.close();
});

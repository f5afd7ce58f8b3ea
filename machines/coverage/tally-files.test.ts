import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { addTallies, leaveTally } from "./tally-files.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tallies-"));
});

afterEach(() => rm(folder, { recursive: true }));

it("adds up what processes left, by the part of the suite that each ran for", async () => {
  const rules = "/house/packages/lanekeeper/src/rules/reset.test.ts";
  leaveTally(folder, rules, new Map([["lane.idle", 2]]));
  leaveTally(folder, rules, new Map(Object.entries({ "lane.idle": 3, "lane.busy": 1 })));
  leaveTally(folder, "/house/machines/lane.test.ts", new Map([["lane.idle", 10]]));
  expect(Object.fromEntries(await addTallies(folder, "/house"))).toEqual({
    "lane.idle": { rules: 5, charts: 10 },
    "lane.busy": { rules: 1 },
  });
});

it("leaves nothing of a process that counted nothing", async () => {
  leaveTally(folder, "/house/test/none.test.ts", new Map());
  expect(await readdir(folder)).toEqual([]);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteLeases } from "@lanekeeper/sqlite";
import type { LeaseStore } from "lanekeeper/ports";
import { afterAll } from "vitest";
import { describeLeases } from "../conformance/leases-conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "lanekeeper-leases-"));
const opened: LeaseStore[] = [];

afterAll(async () => {
  await Promise.all(opened.map((leases) => leases.close()));
  rmSync(folder, { recursive: true });
});

describeLeases(
  "in a SQLite file",
  (clock) => {
    const leases = sqliteLeases(join(folder, `${opened.length}.db`), {
      clock,
      bootClock: { bootId: "this boot", sinceBootMs: () => clock.monotonic() },
    });
    opened.push(leases);
    return leases;
  },
  { doesTell: false },
);

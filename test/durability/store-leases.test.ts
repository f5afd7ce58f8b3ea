import { createLanekeeper } from "lanekeeper";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { sqliteStore } from "@lanekeeper/sqlite";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeLeases } from "../conformance/leases-conformance.ts";
import { limits, message } from "../conformance/mailbox-store-fixture.ts";
import { temporaryFolder, temporaryStore } from "../conformance/temporary-store.ts";

describeLeases("those of an open SQLite store", async (clock) => {
  const store = temporaryStore();
  await store.open({ clock, createId: () => "unused" });
  return store.leases;
});

describe("the locks of a keeper on a SQLite store", () => {
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  /** A keeper on the store of a path, as a new process would have it. */
  const openKeeper = (path: string, clock: SimulatedClock) =>
    createLanekeeper({ store: sqliteStore(path), clock, logger: silent, turn: () => undefined });

  it("B52 B56 have larger tokens after a restart, wherever the clock was set, and are free then", async () => {
    const path = join(temporaryFolder(), "store.db");
    const largest = new Map<string, bigint>();
    for (const startAt of [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1), Date.UTC(2020, 0, 1)]) {
      const keeper = await openKeeper(path, createSimulatedClock({ startAt }));
      for (const name of ["a", "b", "a", "b"]) {
        const lock = await keeper.locks.acquire(name, { waitMs: 0 });
        expect(lock.fencingToken).toBeGreaterThan(largest.get(name) ?? 0n);
        largest.set(name, lock.fencingToken);
        await lock.release();
      }
      await keeper.locks
        .acquire("a", { waitMs: 0 })
        .then(({ fencingToken }) => largest.set("a", fencingToken));
      await keeper.close();
    }
  });

  it("are refused while no keeper has the store, or it cannot record that they begin", async () => {
    const store = temporaryStore({ maxBytes: 1_048_576 });
    await expect(store.leases.acquire("a", "one", 1_000)).rejects.toMatchObject({ code: "CLOSED" });
    const mailboxes = await store.open({ clock: createSimulatedClock(), createId: () => "made" });
    onTestFinished(() => store.close());
    const answers = await Promise.allSettled([
      ...Array.from({ length: 40 }, async (_, index) =>
        mailboxes.append(message(`s${index}`, "m", "x".repeat(60_000)), limits),
      ),
      store.leases.acquire("a", "one", 1_000),
    ]);
    expect(answers.at(-1)).toMatchObject({
      status: "rejected",
      reason: { code: "STORE_UNAVAILABLE", details: { reason: "full" } },
    });
    await expect(store.leases.acquire("a", "one", 1_000)).resolves.toMatchObject({ acquired: true });
  });
});

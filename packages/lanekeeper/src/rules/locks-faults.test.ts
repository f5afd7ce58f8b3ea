import { expect, test } from "vitest";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import type { LeaseStore } from "../store/leases.ts";
import { faultyLeases } from "./faulty-leases.ts";
import { createFixture } from "./fixture.ts";

const lane = { stallAfterMs: 10_000, reclaimAfterMs: 20_000, abortGraceMs: 5_000 };

/** A keeper with leases whose way of telling of releases is as given. */
async function stage(watch?: (given: LeaseStore["watch"]) => LeaseStore["watch"]) {
  const clock = createSimulatedClock();
  const leases = faultyLeases(clock);
  const given = leases.watch;
  if (watch !== undefined) Object.defineProperty(leases, "watch", { get: () => watch(given) });
  return { leases, ...(await createFixture({ clock, lane, leases })) };
}

test("B53 a store that fails to tell of releases is asked again by the clock, and the log says so", async () => {
  const { keeper, clock, leases, logs } = await stage(() => () => {
    throw new Error("no channel");
  });
  await leases.acquire("a", "another process", 60_000);
  const waiting = keeper.locks.acquire("a", { waitMs: 60_000 });
  await clock.advance(10_000);
  await leases.release("a", "another process");
  await clock.advance(5_000);
  expect((await waiting).state).toBe("busy");
  const unwatched = logs.filter(({ message }) => message.includes("could not watch"));
  expect(unwatched).toMatchObject([
    { level: "warn", fields: { name: "a", error: { message: "no channel" } } },
  ]);
});

test("B54a a lock whose renewal is under way when its turn is fenced is lost, and the answer changes nothing", async () => {
  const { keeper, clock, leases, turns, of } = await stage();
  await keeper.send("chat", "hello");
  await clock.settle();
  const { turn } = turns[0]!;
  const lock = await turn.locks.acquire("a", { ttlMs: 75_000, renewEveryMs: 24_000 });
  leases.faults.renew = "waits";
  await clock.advance(24_000);
  expect(leases.asked.at(-1)).toMatchObject({ type: "renew" });
  expect(lock.state).toBe("busy");
  await clock.advance(1_000);
  expect(of("lane.reclaimed")).toHaveLength(1);
  expect(of("lock.lost")).toMatchObject([{ name: "a", reason: "fenced" }]);
  leases.answer();
  await clock.settle();
  expect(lock.state).toBe("reclaimed");
  expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
});

test("B7 a bug in one holder loses its lock alone, and whoever waits behind it is served", async () => {
  let bugs = 0;
  const { keeper, clock, leases } = await stage((given) => {
    if (bugs-- > 0) throw new Error("a bug in a delay");
    return given;
  });
  const other = await keeper.locks.acquire("b");
  await leases.acquire("a", "another process", 1_000);
  bugs = 1;
  const first = keeper.locks.acquire("a").catch((error: unknown) => error);
  const second = keeper.locks.acquire("a");
  await clock.settle();
  expect(await first).toMatchObject({ code: "LOCK_LOST", details: { reason: "crashed" } });
  await clock.advance(5_000);
  expect((await second).state).toBe("busy");
  expect(other.state).toBe("busy");
});

import { rmSync } from "node:fs";
import { join } from "node:path";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { describe, expect, it } from "vitest";
import { openLeases, take, temporaryFolder } from "./lease-files.ts";

const ttlMs = 60_000;

describe.for([
  ["with a name for each boot", ["first", "second"]],
  ["without names for boots", ["", ""]],
] as const)("a machine that starts anew, %s", ([, [first, second]]) => {
  it("B52 frees every lease of the boot before, and goes on with the tokens", async () => {
    const path = join(temporaryFolder(), "leases.db");
    const clock = createSimulatedClock();
    const before = openLeases(path, { clock, bootClock: { bootId: first, sinceBootMs: () => 90_000 } });
    const token = await take(before, "lock", "one", ttlMs);
    await take(before, "other", "one", 86_400_000);
    await before.close();
    const after = openLeases(path, { clock, bootClock: { bootId: second, sinceBootMs: () => 5_000 } });
    expect(await after.renew("lock", "one", token, ttlMs)).toBe(false);
    expect(await take(after, "lock", "two", ttlMs)).toBeGreaterThan(token);
    expect(await take(after, "other", "two", ttlMs)).toBeGreaterThan(token);
  });
});

it("frees leases of another boot also where this one has lasted longer", async () => {
  const path = join(temporaryFolder(), "leases.db");
  const before = openLeases(path, { bootClock: { bootId: "first", sinceBootMs: () => 1_000 } });
  await take(before, "lock", "one", ttlMs);
  const after = openLeases(path, { bootClock: { bootId: "second", sinceBootMs: () => 2_000 } });
  expect(await take(after, "lock", "two", ttlMs)).toBeGreaterThan(0n);
});

it("leaves leases alone where one process cannot read the name of the boot", async () => {
  const path = join(temporaryFolder(), "leases.db");
  const named = openLeases(path, { bootClock: { bootId: "first", sinceBootMs: () => 10_000 } });
  const unnamed = openLeases(path, { bootClock: { bootId: "", sinceBootMs: () => 10_000 } });
  const tokens = [await take(named, "a", "one", ttlMs), await take(unnamed, "b", "one", ttlMs)] as const;
  expect(await unnamed.renew("a", "one", tokens[0], ttlMs)).toBe(true);
  expect(await named.renew("b", "one", tokens[1], ttlMs)).toBe(true);
});

it("takes no small difference of two processors' clocks for a new boot", async () => {
  const path = join(temporaryFolder(), "leases.db");
  const ahead = openLeases(path, { bootClock: { bootId: "", sinceBootMs: () => 10_000 } });
  await take(ahead, "lock", "one", ttlMs);
  const behind = openLeases(path, { bootClock: { bootId: "", sinceBootMs: () => 9_500 } });
  expect(await behind.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: false, owner: "one" });
});

it("B52 goes on with larger tokens in a file that was removed, of which processes that had it open learn", async () => {
  const path = join(temporaryFolder(), "leases.db");
  const leases = openLeases(path);
  const token = await take(leases, "lock", "one", ttlMs);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  const other = openLeases(path);
  expect(await take(other, "lock", "two", ttlMs)).toBeGreaterThan(token);
  expect(await leases.acquire("lock", "one", ttlMs)).toMatchObject({ acquired: false, owner: "two" });
});

it("B52 counts on from the last token where the wall clock was set back", async () => {
  const path = join(temporaryFolder(), "leases.db");
  const clock = createSimulatedClock();
  const leases = openLeases(path, {
    clock,
    bootClock: { bootId: "b", sinceBootMs: () => clock.monotonic() },
  });
  const token = await take(leases, "lock", "one", ttlMs);
  await leases.release("lock", "one", token);
  clock.stepWall(-365 * 86_400_000);
  expect(await take(leases, "lock", "two", ttlMs)).toBe(token + 1n);
});

it("counts in the machine's own time unless it is told another", async () => {
  const path = join(temporaryFolder(), "leases.db");
  await take(openLeases(path), "lock", "one", ttlMs);
  const answer = await openLeases(path).acquire("lock", "two", ttlMs);
  expect(answer).toMatchObject({ acquired: false });
  const { expiresInMs } = answer as { expiresInMs: number };
  expect(expiresInMs).toBeGreaterThan(0);
  expect(expiresInMs).toBeLessThanOrEqual(ttlMs);
});

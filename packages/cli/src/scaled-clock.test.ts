import type { Clock } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it } from "vitest";
import { createScaledClock } from "./scaled-clock.ts";

it("lets time pass as many times faster as its speed", async () => {
  const base = createSimulatedClock();
  const clock = createScaledClock(60, base);
  const [startedAt, started] = [clock.now(), clock.monotonic()];
  await base.advance(1_000);
  expect(clock.now() - startedAt).toBeCloseTo(60_000);
  expect(clock.monotonic() - started).toBeCloseTo(60_000);
});

it("fires a timer at its time on its own clock", async () => {
  const base = createSimulatedClock();
  const clock = createScaledClock(10, base);
  let fired = 0;
  clock.setTimeout(() => (fired += 1), 20_000);
  await base.advance(1_999);
  expect(fired).toBe(0);
  await base.advance(1);
  expect(fired).toBe(1);
  expect(base.nextTimerInMs()).toBeUndefined();
});

it("never fires before a timer's time, however early the base's timers fire", async () => {
  const base = createSimulatedClock();
  const early: Clock = {
    ...base,
    setTimeout: (callback, delayMs) => base.setTimeout(callback, Math.max(1, delayMs / 2)),
  };
  const clock = createScaledClock(60, early);
  const dueAt = clock.monotonic() + 5_000;
  let firedAt = 0;
  clock.setTimeout(() => (firedAt = clock.monotonic()), 5_000);
  await base.advance(1_000);
  expect(firedAt).toBeGreaterThanOrEqual(dueAt);
});

it("forgets a cleared timer, also one that was armed again", async () => {
  const base = createSimulatedClock();
  const clock = createScaledClock(0.5, base);
  let fired = 0;
  const handle = clock.setTimeout(() => (fired += 1), 2 ** 31);
  await base.advance(2 ** 31);
  clock.clearTimeout(handle);
  clock.clearTimeout(undefined);
  expect(base.nextTimerInMs()).toBeUndefined();
  expect(fired).toBe(0);
});

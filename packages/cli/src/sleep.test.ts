import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it } from "vitest";
import { sleep } from "./sleep.ts";

it("ends when its time has passed on the given clock", async () => {
  const clock = createSimulatedClock();
  let isOver = false;
  const over = sleep(clock, 1_000, new AbortController().signal).then(() => (isOver = true));
  await clock.advance(999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  await over;
  expect(isOver).toBe(true);
});

it("ends with the signal's reason and leaves no timer", async () => {
  const clock = createSimulatedClock();
  const controller = new AbortController();
  const reason = new Error("enough");
  const over = sleep(clock, 1_000, controller.signal);
  controller.abort(reason);
  await expect(over).rejects.toBe(reason);
  expect(clock.nextTimerInMs()).toBeUndefined();
});

it("does not begin under a signal that has aborted", async () => {
  const clock = createSimulatedClock();
  await expect(sleep(clock, 1_000, AbortSignal.abort("late"))).rejects.toBe("late");
  expect(clock.nextTimerInMs()).toBeUndefined();
});

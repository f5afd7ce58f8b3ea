import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it } from "vitest";
import { createQuietWatch } from "./quiet-watch.ts";

function watch() {
  const clock = createSimulatedClock();
  const state = { activity: 0, isQuietExpected: false };
  const quiet = createQuietWatch({
    clock,
    limitMs: 1_000,
    activity: () => state.activity,
    isQuietExpected: () => state.isQuietExpected,
  });
  return { clock, state, quiet };
}

it("notices when nothing was recorded for the limit, and then looks no more", async () => {
  const { clock, quiet } = watch();
  await clock.advance(999);
  expect(quiet.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(quiet.signal.aborted).toBe(true);
  expect(clock.nextTimerInMs()).toBeUndefined();
});

it("goes on while something is recorded, and where silence is expected", async () => {
  const { clock, state, quiet } = watch();
  state.activity = 1;
  await clock.advance(1_000);
  state.isQuietExpected = true;
  await clock.advance(5_000);
  expect(quiet.signal.aborted).toBe(false);
});

it("leaves no timer when it is stopped", () => {
  const { clock, quiet } = watch();
  quiet.stop();
  expect(clock.nextTimerInMs()).toBeUndefined();
});

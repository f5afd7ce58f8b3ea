import { expect, it } from "vitest";
import { createSimulatedPace } from "./pace.ts";
import { sleep } from "./sleep.ts";

const never = new AbortController().signal;
const noCommands = { running: 0, ended: () => Promise.resolve() };

it("jumps from timer to timer until the work ends, and ends as it does", async () => {
  const pace = createSimulatedPace(noCommands);
  const startedAt = pace.clock.monotonic();
  const work = async () => {
    await sleep(pace.clock, 3_600_000, never);
    await new Promise(setImmediate);
    await sleep(pace.clock, 500, never);
    return pace.clock.monotonic() - startedAt;
  };
  expect(await pace.runUntil(work())).toBe(3_600_500);
  await expect(pace.runUntil(Promise.reject(new Error("broken")))).rejects.toThrow("broken");
});

it("moves no timer that the work does not wait for", async () => {
  const pace = createSimulatedPace(noCommands);
  let fired = false;
  pace.clock.setTimeout(() => (fired = true), 1_000);
  await pace.runUntil(sleep(pace.clock, 999, never));
  expect(fired).toBe(false);
});

it("stands still while a real command runs", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const commands = { running: 1, ended: () => ended };
  const pace = createSimulatedPace(commands);
  const startedAt = pace.clock.monotonic();
  const work = pace.runUntil(sleep(pace.clock, 1_000, never));
  for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
  expect(pace.clock.monotonic()).toBe(startedAt);
  commands.running = 0;
  end();
  await work;
  expect(pace.clock.monotonic()).toBe(startedAt + 1_000);
});

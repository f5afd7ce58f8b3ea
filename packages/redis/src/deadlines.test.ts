import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it } from "vitest";
import { createDeadlines } from "./deadlines.ts";

const same = (error: unknown): unknown => error;

it("gives each step its whole time, whenever others began", async () => {
  const clock = createSimulatedClock();
  const { within } = createDeadlines(clock, 100);
  const ended: string[] = [];
  const begin = (name: string): unknown =>
    within(new Promise(() => {}), same).catch((error: Error) => ended.push(`${name}: ${error.message}`));
  begin("first");
  await clock.advance(60);
  begin("second");
  await clock.advance(39);
  expect(ended).toEqual([]);
  await clock.advance(1);
  expect(ended).toEqual(["first: no answer within 100 ms"]);
  await clock.advance(59);
  expect(ended).toHaveLength(1);
  await clock.advance(1);
  expect(ended[1]).toBe("second: no answer within 100 ms");
});

it("passes on what a step was answered or rejected with", async () => {
  const { within } = createDeadlines(createSimulatedClock(), 100);
  expect(await within(Promise.resolve("answer"), same)).toBe("answer");
  const toError = (error: unknown): Error => new Error(`it was ${(error as Error).message}`);
  await expect(within(Promise.reject(new Error("refused")), toError)).rejects.toThrow("it was refused");
});

it("prefers an answer that has come to a time that is up: the process itself was late", async () => {
  const clock = createSimulatedClock();
  const { within } = createDeadlines(clock, 100);
  const answer = within(
    new Promise<string>((resolve) => clock.setTimeout(() => setImmediate(() => resolve("answer")), 50)),
    same,
  );
  await clock.suspend(1_000);
  expect(await answer).toBe("answer");
});

it("is idle when the last step has ended, and leaves no timer then", async () => {
  const clock = createSimulatedClock();
  const { within, idle } = createDeadlines(clock, 100);
  const { promise, resolve } = Promise.withResolvers<void>();
  const answer = within(promise, same);
  let isIdle = false;
  const ended = idle().then(() => (isIdle = true));
  await clock.settle();
  expect(isIdle).toBe(false);
  resolve();
  await answer;
  await ended;
  expect(clock.nextTimerInMs()).toBeUndefined();
});

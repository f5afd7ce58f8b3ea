import type { Execution } from "lanekeeper";
import { expect, it } from "vitest";
import { createRunningCommands } from "./running-commands.ts";

function createExecution(): { execution: Execution; end(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { execution: { execId: "x", done: promise } as unknown as Execution, end: resolve };
}

it("counts a command from its launch to its end", async () => {
  const commands = createRunningCommands({ oneByOne: false });
  const { execution, end } = createExecution();
  const started = commands.start(() => Promise.resolve(execution));
  expect(commands.running).toBe(1);
  expect(await started).toBe(execution);
  expect(commands.running).toBe(1);
  end();
  await commands.ended();
  expect(commands.running).toBe(0);
});

it("stops counting a command that could not be started", async () => {
  const commands = createRunningCommands({ oneByOne: false });
  await expect(commands.start(() => Promise.reject(new Error("no such program")))).rejects.toThrow(
    "no such program",
  );
  await commands.ended();
  expect(commands.running).toBe(0);
});

it.each([
  ["at once", false, ["first", "second"]],
  ["after the end of the one before", true, ["first"]],
])("starts the next one %s", async (_, oneByOne, launchedAtOnce) => {
  const commands = createRunningCommands({ oneByOne });
  const [first, second] = [createExecution(), createExecution()];
  const launched: string[] = [];
  const launch = (name: string, execution: Execution) => () => {
    launched.push(name);
    return Promise.resolve(execution);
  };
  await commands.start(launch("first", first.execution));
  const started = commands.start(launch("second", second.execution));
  await Promise.resolve();
  expect(launched).toEqual(launchedAtOnce);
  first.end();
  await started;
  expect(launched).toEqual(["first", "second"]);
  second.end();
  await commands.ended();
  expect(commands.running).toBe(0);
});

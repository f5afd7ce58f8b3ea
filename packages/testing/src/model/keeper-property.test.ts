import * as fc from "fast-check";
import { memoryStore, type Store } from "lanekeeper";
import { describe, expect, it } from "vitest";
import { scriptStore } from "../scripted-store.ts";
import { keeperProperty, type KeeperPropertyOptions } from "./keeper-property.ts";
import { locksProperty, type LocksPropertyOptions } from "./locks-property.ts";

/** A store that takes no work. */
const createStore = (): Store =>
  scriptStore(memoryStore(), (step) => (step === "append" ? { fault: "fails" } : undefined));

describe("keeperProperty", () => {
  it("runs a shrunk failure again from what fast-check printed of it", async () => {
    const found = await fc.check(keeperProperty({ createStore }), { seed: 1, numRuns: 100 });
    const [, commands] = found.counterexample!;
    const [, replayPath] = /replayPath="(.+)"/.exec(fc.stringify(commands))!;
    const again = await fc.check(keeperProperty({ createStore, replayPath }), {
      seed: found.seed,
      path: found.counterexamplePath!,
      endOnFailure: true,
    });
    expect([again.failed, again.numRuns]).toEqual([true, 1]);
    expect(fc.stringify(again.counterexample![1])).toBe(fc.stringify(commands));
  });

  it.each([
    ["options", null as unknown as KeeperPropertyOptions],
    ["creatStore", { creatStore: memoryStore } as KeeperPropertyOptions],
    ["createStore", { createStore: "x" as unknown as () => Store }],
    ["maxCommands", { maxCommands: -1 }],
    ["replayPath", { replayPath: "BAELS" }],
  ])("refuses %s that it cannot use, in the call", (option, options) => {
    expect(() => keeperProperty(options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });
});

describe("locksProperty", () => {
  it("holds a run to the commands that its replayPath names", async () => {
    const tooShort = fc.check(locksProperty({ replayPath: "B:A" }), { seed: 1, path: "0:0" });
    await expect(tooShort).rejects.toThrow("Too short replayPath");
  });

  it.each([
    ["options", [] as LocksPropertyOptions],
    ["createStore", { createStore: memoryStore } as LocksPropertyOptions],
    ["maxCommands", { maxCommands: 0.5 }],
    ["replayPath", { replayPath: 5 as unknown as string }],
  ])("refuses %s that it cannot use, in the call", (option, options) => {
    expect(() => locksProperty(options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });
});

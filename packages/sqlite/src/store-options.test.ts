import { expect, it } from "vitest";
import { checkOptions } from "./store-options.ts";

it("syncs each commit unless told otherwise", () => {
  expect(checkOptions("store.db", {})).toEqual({
    durability: "full",
    maxBytes: undefined,
    memoryBytes: 32 * 1_048_576,
  });
});

it.each([
  ["path", "", {}],
  ["path", ":memory:", {}],
  ["path", "a\0b", {}],
  ["path", 5, {}],
  ["options", "store.db", null],
  ["durability", "store.db", { durability: "none" }],
  ["maxBytes", "store.db", { maxBytes: 1_000 }],
  ["maxBytes", "store.db", { maxBytes: Infinity }],
  ["memoryBytes", "store.db", { memoryBytes: -1 }],
  ["surprise", "store.db", { surprise: 1 }],
])("refuses a %s of the wrong kind by its name: %j %j", (option, path, options) => {
  const check = (): unknown => checkOptions(path, options as Parameters<typeof checkOptions>[1]);
  expect(check).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
  );
});

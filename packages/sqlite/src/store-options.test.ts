import { expect, it } from "vitest";
import { checkOptions } from "./store-options.ts";

it("syncs each commit unless told otherwise", () => {
  expect(checkOptions("store.db", {})).toEqual({
    durability: "full",
    maxBytes: undefined,
    memoryBytes: 128 * 1_048_576,
  });
});

it.each([
  ["path", "", {}],
  ["path", ":memory:", {}],
  ["path", "a\0b", {}],
  ["path", 5, {}],
  ["path", "file:x.db", {}],
  ["path", "FILE:x.db?mode=memory", {}],
  ["path", "store.db-wal", {}],
  ["path", new URL("file:///x.db"), {}],
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

const refusal = (path: unknown, options: object = {}): string => {
  try {
    checkOptions(path, options);
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
};

it.each([
  [":memory:", "use memoryStore() of lanekeeper"],
  ["", "use memoryStore() of lanekeeper"],
  [
    "file:x.db",
    'must be a plain path, not a URI of SQLite (a file of that name is "./file:x.db"); got "file:x.db".',
  ],
  [new URL("file:///x.db"), "fileURLToPath(url)"],
  ["a\0b", "a path without the character NUL (\\0), which no file's name may hold"],
])("says what to give instead of the path %j", (path, advice) => {
  expect(refusal(path)).toContain(advice);
});

it("takes a file whose name looks like a URI where its path does not", () => {
  expect(refusal("./file:x.db")).toBe("none");
});

it("names an unknown option and those that are known, and does not show what it was given", () => {
  expect(refusal("store.db", { maxbytes: "secret" })).toBe(
    "Unknown option maxbytes of sqliteStore. Known: durability, maxBytes, memoryBytes. Remove it, or correct its name.",
  );
});

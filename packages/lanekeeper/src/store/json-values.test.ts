import {
  anything,
  array,
  assert,
  constant,
  dictionary,
  jsonValue,
  oneof,
  property,
  string,
  tuple,
} from "fast-check";
import { expect, it } from "vitest";
import { jsonFault } from "./json-values.ts";

const mebibyte = 1_048_576;
const cyclic: Record<string, unknown> = { name: "it" };
cyclic["self"] = { back: [cyclic] };
class Money {
  readonly amount = 5;
}

it.each([
  [{ when: new Date(0) }, "body.when: a Date"],
  [{ list: [1, { at: new Map() }] }, "body.list[1].at: a Map"],
  [{ "odd key": Number.NaN }, 'body["odd key"]: NaN'],
  [{ over: Infinity }, "body.over: Infinity"],
  [[undefined], "body[0]: undefined"],
  [{ count: 5n }, "body.count: a bigint"],
  [{ call: () => {} }, "body.call: a function"],
  [{ mark: Symbol("x") }, "body.mark: a symbol"],
  [{ [Symbol("x")]: 1 }, "body: a member named by a symbol"],
  [{ bytes: new Uint8Array(2) }, "body.bytes: an Uint8Array"],
  [{ price: new Money() }, "body.price: a Money"],
  [{ made: { toJSON: () => 1 } }, "body.made.toJSON: a function"],
  [cyclic, "body.self.back[0]: what it is itself inside of"],
  [() => {}, "body: a function"],
  [-0, "body: -0"],
  [{ degrees: [1, -0] }, "body.degrees[1]: -0"],
  [Object.assign([1], { extra: 2 }), "body.extra: a named member of an array"],
  [{ found: /a/.exec("a") }, "body.found.index: a named member of an array"],
  [Object.assign([1], { [Symbol("x")]: 2 }), "body: a member named by a symbol"],
  [Object.assign(Array(2), { 0: 1 }), "body[1]: undefined"],
  [Object.assign(Array(2), { 1: 1, extra: 2 }), "body[0]: undefined"],
  [{ sums: new (class Sums extends Array {})() }, "body.sums: a Sums"],
  ["x".repeat(mebibyte), `body: ${mebibyte + 2} bytes as JSON, more than ${mebibyte}`],
])("B57 names what JSON would not give back: %#", (value, fault) => {
  expect(jsonFault(value, "body", mebibyte)).toBe(fault);
});

/** Values of all kinds, most of which are nearly what JSON gives back. */
const nearlyJson = oneof(
  { weight: 3, arbitrary: jsonValue() },
  anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  tuple(array(oneof(jsonValue(), constant(-0))), dictionary(string(), jsonValue(), { maxKeys: 1 })).map(
    ([list, named]) => ({ list: Object.assign(list, named) }),
  ),
);

/** Whether a value came back from JSON as it went in: a member that is undefined counts as absent. */
function isSame(value: unknown, returned: unknown): boolean {
  if (typeof value !== "object" || value === null) return Object.is(value, returned);
  if (typeof returned !== "object" || returned === null) return false;
  const kind: unknown = Object.getPrototypeOf(value) ?? Object.prototype;
  const members = value as Record<PropertyKey, unknown>;
  const keys = Reflect.ownKeys(value).filter((key) => Array.isArray(value) || members[key] !== undefined);
  return (
    kind === Object.getPrototypeOf(returned) &&
    keys.length === Reflect.ownKeys(returned).length &&
    keys.every((key) => isSame(members[key], (returned as Record<PropertyKey, unknown>)[key]))
  );
}

it("B57 finds a fault in a value if, and only if, JSON does not give it back", () => {
  const comesBack = (value: unknown): boolean => {
    try {
      return value === undefined || isSame(value, JSON.parse(JSON.stringify(value)));
    } catch {
      return false;
    }
  };
  const found = { faults: 0, none: 0 };
  assert(
    property(nearlyJson, (value) => {
      const isKept = jsonFault(value, "body", mebibyte) === undefined;
      found[isKept ? "none" : "faults"]++;
      return isKept === comesBack(value);
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(found.faults, found.none)).toBeGreaterThan(200);
});

it("B57 finds nothing wrong with what JSON gives back", () => {
  assert(property(jsonValue(), (value) => jsonFault(value, "body", mebibyte) === undefined));
  for (const value of [undefined, { left: undefined }, Object.create(null), "x".repeat(mebibyte - 2)])
    expect(jsonFault(value, "body", mebibyte)).toBeUndefined();
});

it("B57 counts bytes, not letters", () => {
  expect(jsonFault("ä€", "body", 7)).toBeUndefined();
  expect(jsonFault("ä€", "body", 6)).toBe("body: 7 bytes as JSON, more than 6");
});

it("B57 says of what throws when it is looked at that it cannot be looked through", () => {
  const trap = {
    get inner(): never {
      throw new Error("no");
    },
  };
  expect(jsonFault(trap, "body", mebibyte)).toBe("body: cannot be looked through (no)");
});

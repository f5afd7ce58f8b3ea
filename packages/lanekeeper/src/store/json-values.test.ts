import { assert, jsonValue, property } from "fast-check";
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
  ["x".repeat(mebibyte), `body: ${mebibyte + 2} bytes as JSON, more than ${mebibyte}`],
])("B57 names what JSON would not give back: %#", (value, fault) => {
  expect(jsonFault(value, "body", mebibyte)).toBe(fault);
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

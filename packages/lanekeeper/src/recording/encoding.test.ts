import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import { decode, encode } from "./encoding.ts";

/** There and back, through the text of a file. */
const through = (value: unknown): unknown => decode(JSON.parse(JSON.stringify(encode(value))));

describe("the encoding of values", () => {
  it("leaves what JSON can say as it is", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        fc.pre(!text.includes('"~'));
        expect(encode(value)).toEqual(value);
      }),
    );
  });

  it("gives back whatever can be read back, however deep it lies", () => {
    const values = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      key: fc.oneof(fc.constant("~"), fc.string()),
    });
    fc.assert(
      fc.property(values, (value) => {
        const once = JSON.stringify(encode(value));
        expect(JSON.stringify(encode(decode(JSON.parse(once))))).toBe(once);
      }),
    );
  });

  it.for([
    [undefined],
    [12n],
    [Number.NaN],
    [-Infinity],
    [new Date(5)],
    [new Map([["a", 1n]])],
    [new Set([undefined])],
    [new Uint8Array([0, 255])],
    ["~n12"],
    [{ "~": "map", value: "no map" }],
    [{ nested: [{ "~": 1 }] }],
  ])("gives back %o", ([value]) => expect(through(value)).toEqual(value));

  it("gives back an error with its name, message, code, details and cause", () => {
    const error = new LanekeeperError(
      "LANE_FULL",
      "no room",
      { limit: 3n },
      { cause: new TypeError("deep") },
    );
    const back = through(error) as LanekeeperError;
    expect(back).toBeInstanceOf(LanekeeperError);
    const { name, message, code, details } = back;
    expect({ name, message, code, details }).toEqual({
      name: "LanekeeperError",
      message: "no room",
      code: "LANE_FULL",
      details: { limit: 3n },
    });
    expect(back.cause).toMatchObject({ name: "TypeError", message: "deep" });
  });

  it("leaves members out that are undefined, and writes what toJSON gives", () => {
    expect(encode({ a: undefined, url: new URL("https://example.org/") })).toEqual({
      url: "https://example.org/",
    });
  });

  it("writes a word for what cannot be read back, and throws for nothing", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const hostile = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error("no");
        },
      },
    );
    let deep: unknown[] = [];
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(encode([() => {}, Promise.resolve(), new AbortController().signal, cycle])).toEqual([
      "~f",
      "~p",
      "~s",
      ["~c"],
    ]);
    expect(encode(hostile)).toEqual("~x");
    expect(encode(deep)).toEqual("~x");
  });
});

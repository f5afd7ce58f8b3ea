import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import { decode, encodeText } from "./encoding.ts";
import { Lexicon, Vocabulary } from "./vocabulary.ts";

/** As a file has it. */
const encoded = (value: unknown): unknown => JSON.parse(encodeText(value));
/** There and back, through the text of a file. */
const through = (value: unknown): unknown => decode(JSON.parse(encodeText(value)));

describe("the encoding of values", () => {
  it("leaves what JSON can say as it is", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        fc.pre(!text.includes('"~'));
        expect(encoded(value)).toEqual(value);
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
        const once = encodeText(value);
        expect(encodeText(decode(JSON.parse(once)))).toBe(once);
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
    expect(encoded({ a: undefined, url: new URL("https://example.org/") })).toEqual({
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
    expect(encoded([() => {}, Promise.resolve(), new AbortController().signal, cycle])).toEqual([
      "~f",
      "~p",
      "~s",
      ["~c"],
    ]);
    expect(encoded(hostile)).toEqual("~x");
    expect(encodeText(deep)).toBe(`${"[".repeat(500)}"~x"${"]".repeat(500)}`);
  });
});

describe("the vocabulary of a recording", () => {
  /** Writes values one after the other, and reads them again. */
  function pass(values: readonly unknown[]): { readonly texts: readonly string[]; readonly read: unknown[] } {
    const vocabulary = new Vocabulary();
    const lexicon = new Lexicon();
    const texts = values.map((value) => encodeText(value, vocabulary));
    return { texts, read: texts.map((text) => decode(JSON.parse(text), lexicon)) };
  }
  const long = fc.integer({ min: 0, max: 30 }).map((letter) => String.fromCharCode(0x5f + letter).repeat(50));
  const item = fc.record({
    seq: fc.integer({ min: 0, max: 5 }),
    id: fc.constantFrom("a", "b"),
    body: fc.oneof(long, fc.constant("short")),
  });

  it("gives back every value, however often its texts and items came before", () => {
    const value = fc.oneof(long, item, fc.array(fc.oneof(long, item)), fc.dictionary(fc.string(), long));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), (values) => {
        expect(pass(values).read).toEqual(values);
      }),
    );
  });

  it("writes a long text and an item once, and an item again when it has changed", () => {
    const text = "x".repeat(48);
    const before = { seq: 7, id: "m1", body: text };
    const { texts } = pass([text, [before, before], { ...before }, { ...before, body: "other" }, [before]]);
    expect(texts).toEqual([
      `"${text}"`,
      `[{"seq":7,"id":"m1","body":"~r0"},"~i7"]`,
      `"~i7"`,
      `{"seq":7,"id":"m1","body":"other"}`,
      `[{"seq":7,"id":"m1","body":"~r0"}]`,
    ]);
  });

  it("forgets what it did not write after all", () => {
    const text = "x".repeat(48);
    const hostile = {
      text,
      get inner(): unknown {
        return new Proxy({}, { getPrototypeOf: () => fail() });
      },
    };
    const fail = (): never => {
      throw new Error("no");
    };
    const { read } = pass([{ inner: [text, Object.setPrototypeOf({ text }, null)], hostile }, text]);
    expect(read[1]).toBe(text);
  });

  it("writes again what has not come for long", () => {
    const texts = Array.from({ length: 3_000 }, (_, index) => String(index).padStart(60, "x"));
    expect(pass([...texts, ...texts]).read).toEqual([...texts, ...texts]);
  });

  it("throws for a reference to nothing", () => {
    expect(() => decode("~r0", new Lexicon())).toThrow(RangeError);
    expect(() => decode("~i0", new Lexicon())).toThrow(RangeError);
  });
});

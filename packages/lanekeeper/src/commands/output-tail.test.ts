import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createOutputTail } from "./output-tail.ts";

function tailOf(limit: number, pieces: readonly string[]) {
  const tail = createOutputTail(limit);
  for (const piece of pieces) tail.add(piece);
  return tail;
}

describe("an output tail", () => {
  it("is all of what is no longer than its limit", () => {
    const tail = tailOf(6, ["ab", "", "cdef"]);
    expect([tail.text, tail.isTruncated]).toEqual(["abcdef", false]);
    expect(tailOf(6, []).text).toBe("");
  });

  it("is the end of what is longer, and says so (B38)", () => {
    const tail = tailOf(4, ["abc", "def"]);
    expect([tail.isTruncated, tail.text]).toEqual([true, "cdef"]);
    tail.add("g");
    expect(tail.text).toBe("defg");
    expect(tail.isTruncated).toBe(true);
  });

  it("never begins with half of a surrogate pair", () => {
    expect(tailOf(3, ["a😀bc"]).text).toBe("bc");
    expect(tailOf(4, ["a😀bc"]).text).toBe("😀bc");
  });

  it("joins a pair that comes in two pieces", () => {
    const [high, low] = ["😀".slice(0, 1), "😀".slice(1)];
    expect(tailOf(4, [`a${high}`, `${low}b`]).text).toBe("a😀b");
  });

  it("may keep nothing", () => {
    const tail = tailOf(0, ["abc"]);
    expect([tail.text, tail.isTruncated]).toEqual(["", true]);
  });

  it("does not grow with endless output (B38)", () => {
    const tail = createOutputTail(1_000);
    for (let piece = 0; piece < 20_000; piece++) tail.add("0123456789");
    expect(tail.text).toBe("0123456789".repeat(100));
  });

  it("is the same whatever pieces the output comes in and however often it is looked at", () => {
    const text = fc.array(fc.constantFrom("a", "bc", "😀", "\n", "x".repeat(9)), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), text, fc.func(fc.boolean()), (limit, pieces, looks) => {
        const whole = pieces.join("");
        const from = Math.max(0, whole.length - limit);
        const isHalf = /^[\uDC00-\uDFFF]/.test(whole.slice(from));
        const tail = createOutputTail(limit);
        for (const [index, piece] of pieces.entries()) {
          tail.add(piece);
          if (looks(index)) void tail.text;
        }
        expect(tail.text).toBe(whole.slice(isHalf && from > 0 ? from + 1 : from));
        expect(tail.isTruncated).toBe(whole.length > limit);
      }),
    );
  });
});

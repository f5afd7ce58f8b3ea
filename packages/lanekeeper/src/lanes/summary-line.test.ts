import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { summarizeBody, toLine } from "./summary-line.ts";

describe("the summary of a body", () => {
  it.each([
    ["a text", "hello", "hello"],
    ["an empty text", "", ""],
    ["its `text` member", { text: "hello", at: 1 }, "hello"],
    ["JSON, where its `text` is no text", { text: 5 }, '{"text":5}'],
    ["JSON, where it has none", { at: 1, of: ["a"] }, '{"at":1,"of":["a"]}'],
    ["JSON, of a list", [1, null], "[1,null]"],
    ["JSON, of a number", 7, "7"],
    ["JSON, of nothing", null, "null"],
    ["what JSON does not know", undefined, "undefined"],
  ])("is %s", (_, body, line) => {
    expect(summarizeBody(body)).toBe(line);
  });

  it("throws where the body cannot be read: the caller contains that", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    expect(() => summarizeBody(cyclic)).toThrow(TypeError);
    expect(() => summarizeBody(5n)).toThrow(TypeError);
  });
});

describe("a line", () => {
  it("has its white space folded", () => {
    expect(toLine("  one\n two\t\tthree\r\n\u2028four \u00a0")).toBe("one two three four");
    expect(toLine(" \n ")).toBe("");
  });

  it("is cut at 160 UTF-16 units, and says so", () => {
    const just = "x".repeat(160);
    expect(toLine(just)).toBe(just);
    expect(toLine(`${just}y`)).toBe(`${"x".repeat(159)}…`);
    expect(toLine(`${" ".repeat(50)}${just}\n`)).toBe(just);
  });

  it("is never cut within a character", () => {
    const before = "x".repeat(158);
    expect(toLine(`${before}😀yz`)).toBe(`${before}…`);
    expect(toLine(`${before.slice(1)}😀yz`)).toBe(`${before.slice(1)}😀…`);
  });

  it("is one line of 160 units at most, whole characters, the beginning of its text", () => {
    const texts = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "é", "…", "\u2028", "\u00a0", "😀", "\u0000"), maxLength: 400 }),
      fc.string({ unit: fc.constantFrom("a", " ", "\n", "😀", "\t"), minLength: 120, maxLength: 200 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const line = toLine(text);
        expect(line.length).toBeLessThanOrEqual(160);
        expect(line).not.toMatch(/[\n\r\t\u2028\u2029]| {2}|^ | $/u);
        expect(line.isWellFormed()).toBe(true);
        const folded = text.replace(/\s+/gu, " ").trim();
        expect(folded.startsWith(line.replace(/…$/u, ""))).toBe(true);
        expect(line === folded).toBe(folded.length <= 160);
        expect(toLine(line)).toBe(line);
      }),
    );
  });
});

import { expect, it } from "vitest";
import { parseCount, parseDurationOption, parseSeed, parseShare, parseSpeed } from "./option-value.ts";

it("takes shares from 0 to 1", () => {
  expect(["0", "1", ".25", "1e-2"].map(parseShare)).toEqual([0, 1, 0.25, 0.01]);
  for (const text of ["-0.1", "1.1", "", "half", "NaN", "1%", "0x1", " "])
    expect(() => parseShare(text)).toThrow("from 0 to 1");
});

it("takes speeds above 0, and max", () => {
  expect(["60", "0.5", "max"].map(parseSpeed)).toEqual([60, 0.5, "max"]);
  for (const text of ["0", "-1", "Infinity", "fast", "1e999", ""])
    expect(() => parseSpeed(text)).toThrow("above 0, or max");
});

it("takes whole counts of at least 1", () => {
  expect(["1", "32"].map(parseCount)).toEqual([1, 32]);
  for (const text of ["0", "-1", "1.5", "many", "1e30"]) expect(() => parseCount(text)).toThrow("at least 1");
});

it("takes whole seeds of 32 bits", () => {
  expect(["0", "-5", "2147483647"].map(parseSeed)).toEqual([0, -5, 2_147_483_647]);
  for (const text of ["1.5", "4294967296", "x"]) expect(() => parseSeed(text)).toThrow("32 bits");
});

it("takes durations above 0", () => {
  expect(["20s", "1"].map(parseDurationOption)).toEqual([20_000, 1]);
  for (const text of ["0", "0.1ms", "-1s", "soon"])
    expect(() => parseDurationOption(text)).toThrow("duration above 0");
});

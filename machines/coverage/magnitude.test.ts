import * as fc from "fast-check";
import { expect, it } from "vitest";
import { isMagnitude, magnitudeOf } from "./magnitude.ts";

const magnitudes = ["–", "1+", "100+", "10,000+"] as const;

it("rounds a count to its order", () => {
  expect([0, 1, 99, 100, 9_999, 10_000, 5e6].map((count) => magnitudeOf(count))).toEqual([
    "–",
    "1+",
    "1+",
    "100+",
    "100+",
    "10,000+",
    "10,000+",
  ]);
});

it("keeps what was known of a count that comes close to it", () => {
  expect([90, 299].map((count) => magnitudeOf(count, "1+"))).toEqual(["1+", "1+"]);
  expect([34, 100, 29_999].map((count) => magnitudeOf(count, "100+"))).toEqual(["100+", "100+", "100+"]);
  expect([3_334, 9_999_999].map((count) => magnitudeOf(count, "10,000+"))).toEqual(["10,000+", "10,000+"]);
});

it("drops it where the count is far from it", () => {
  expect([300, 33, 30_000].map((count) => magnitudeOf(count, count === 300 ? "1+" : "100+"))).toEqual([
    "100+",
    "1+",
    "10,000+",
  ]);
});

it("always tells never from once", () => {
  expect.hasAssertions();
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.option(fc.constantFrom(...magnitudes), { nil: undefined }),
      (count, before) => {
        expect(magnitudeOf(count, before) === "–").toBe(count === 0);
      },
    ),
  );
});

it("knows its own words", () => {
  expect(["–", "1+", "100+", "10,000+", "never", ""].map(isMagnitude)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
});

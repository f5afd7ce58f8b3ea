import { expect, it } from "vitest";
import { percentile } from "./percentile.ts";

it("names the smallest value that the share does not exceed", () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0, 0.5, 0.95, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([1, 50, 95, 99, 100]);
  expect(percentile([4], 0.5)).toBe(4);
});

it("is 0 where there is nothing", () => {
  expect(percentile([], 0.5)).toBe(0);
});

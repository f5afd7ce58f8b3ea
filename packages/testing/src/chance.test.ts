import { expect, test } from "vitest";
import { createChance } from "./chance.ts";

test("chance of one seed decides the same each time, of another seed otherwise", () => {
  const draw = (seed: number): readonly number[] => {
    const chance = createChance(seed);
    return [chance.next(), chance.below(1_000), chance.pick([1, 2, 3]), Number(chance.happens(0.5))];
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test("chance stays below its limit, and reaches everything below it", () => {
  const chance = createChance(1);
  const drawn = Array.from({ length: 1_000 }, () => chance.below(5));
  expect(new Set(drawn)).toEqual(new Set([0, 1, 2, 3, 4]));
});

test("what has a probability happens about so often", () => {
  const chance = createChance(1);
  const happened = Array.from({ length: 10_000 }, () => chance.happens(0.2)).filter(Boolean).length;
  expect(happened / 10_000).toBeCloseTo(0.2, 1);
  expect(chance.happens(0)).toBe(false);
});

test("chance refuses a seed that is no whole number, and to pick out of nothing", () => {
  const refusal = (option: string): unknown =>
    expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) });
  expect(() => createChance(Number.NaN)).toThrow(refusal("seed"));
  expect(() => createChance(1).pick([])).toThrow(refusal("choices"));
});

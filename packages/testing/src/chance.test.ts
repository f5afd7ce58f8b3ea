import { expect, test } from "vitest";
import { type Chance, createChance } from "./chance.ts";

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

const refusal = (option: string): unknown =>
  expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) });

test("chance refuses a seed that is no whole number", () => {
  expect(() => createChance(Number.NaN)).toThrow(refusal("seed"));
});

test.for<[option: string, what: string, decide: (chance: Chance) => unknown]>([
  ["limit", "below 0", (chance) => chance.below(0)],
  ["limit", "below -1", (chance) => chance.below(-1)],
  ["limit", "below 1.5", (chance) => chance.below(1.5)],
  ["limit", "below NaN", (chance) => chance.below(Number.NaN)],
  ["limit", "below no number", (chance) => chance.below("5" as unknown as number)],
  ["choices", "one of nothing", (chance) => chance.pick([])],
  ["choices", "one of what is no list", (chance) => chance.pick("abc" as unknown as string[])],
  ["probability", "with a probability of NaN", (chance) => chance.happens(Number.NaN)],
  ["probability", "with a negative probability", (chance) => chance.happens(-0.1)],
  ["probability", "with a probability in percent", (chance) => chance.happens(50)],
])(
  "chance refuses a %s it cannot use: %s; what it decides next is what it would have been",
  ([option, , decide]) => {
    const [chance, untouched] = [createChance(1), createChance(1)];
    expect(() => decide(chance)).toThrow(refusal(option));
    expect(chance.next()).toBe(untouched.next());
  },
);

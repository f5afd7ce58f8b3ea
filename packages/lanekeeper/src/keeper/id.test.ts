import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIdMaker } from "./id.ts";

describe("an id maker", () => {
  it("makes ids of 23 characters that need no quoting: time, counter and its own", () => {
    const createId = createIdMaker(
      () => Date.UTC(2026, 0, 1),
      () => 0.5,
    );
    expect(createId()).toBe("0mjuohs00".concat("0000", "iiiiiiiiii"));
    expect(createId()).toBe("0mjuohs00".concat("0001", "iiiiiiiiii"));
    expect(createId()).toMatch(/^[0-9a-z]{23}$/);
  });

  it("makes ids that sort by time, also when the clock stands or steps back", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 1_000 }), { maxLength: 200 }), (steps) => {
        let now = Date.UTC(2026, 0, 1);
        const createId = createIdMaker(
          () => now,
          () => 0.1,
        );
        const ids = steps.map((step) => {
          now += step;
          return createId();
        });
        expect(ids.toSorted()).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it("makes other ids than another maker at the same time", () => {
    const randoms = [0.1, 0.9];
    const makers = randoms.map((random) =>
      createIdMaker(
        () => 1_000,
        () => random,
      ),
    );
    expect(new Set(makers.map((createId) => createId())).size).toBe(2);
  });

  it("does with whatever randomness gives", () => {
    for (const random of [0, 0.999_999, 1, -1, Number.NaN, Infinity]) {
      const createId = createIdMaker(
        () => 1_000,
        () => random,
      );
      expect(createId()).toMatch(/^[0-9a-z]{23}$/);
    }
  });

  it("counts time in whole milliseconds", () => {
    let now = 1_000.2;
    const createId = createIdMaker(
      () => now,
      () => 0,
    );
    const first = createId();
    now = 1_000.9;
    expect(createId().slice(0, 13)).toBe(`${first.slice(0, 9)}0001`);
  });

  it("makes ids of the same length from the epoch on", () => {
    const createId = createIdMaker(
      () => 0,
      () => 0.5,
    );
    expect(createId()).toBe("000000000".concat("0000", "iiiiiiiiii"));
  });
});

import { describe, expect, it } from "vitest";
import { createRandom, planTurns } from "./turn-plan.ts";

const shares = { hang: 0.1, crash: 0.2, exec: 0.3 };

describe("planTurns", () => {
  it("decides the same for the same seed and otherwise for another", () => {
    const plan = (seed: number) => planTurns({ seed, messages: 100, attempts: 3, shares });
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  it("decides for a message whatever comes after it", () => {
    const long = planTurns({ seed: 7, messages: 100, attempts: 3, shares });
    expect(planTurns({ seed: 7, messages: 10, attempts: 3, shares })).toEqual(long.slice(0, 10));
  });

  it("moves no other decision when one share changes", () => {
    const commands = (hang: number) =>
      planTurns({ seed: 7, messages: 100, attempts: 3, shares: { ...shares, hang } }).map(
        (plan) => plan.startsCommand,
      );
    expect(commands(0)).toEqual(commands(1));
  });

  it("keeps about the shares", () => {
    const plans = planTurns({ seed: 1, messages: 10_000, attempts: 1, shares });
    const count = (ending: string) => plans.filter(({ endings }) => endings[0] === ending).length;
    expect(count("hangs") / 10_000).toBeCloseTo(0.1, 1);
    expect(count("crashes") / 10_000).toBeCloseTo(0.9 * 0.2, 1);
    expect(plans.filter(({ startsCommand }) => startsCommand).length / 10_000).toBeCloseTo(0.3, 1);
  });

  it("lets everything answer at shares of 0 and nothing at shares of 1", () => {
    const endings = (share: number) =>
      new Set(
        planTurns({ seed: 1, messages: 50, attempts: 3, shares: { hang: 0, crash: share, exec: 0 } }).flatMap(
          (plan) => plan.endings,
        ),
      );
    expect([...endings(0)]).toEqual(["answers"]);
    expect([...endings(1)]).toEqual(["crashes"]);
  });
});

describe("createRandom", () => {
  it("stays in [0, 1)", () => {
    const random = createRandom(3);
    const numbers = Array.from({ length: 1_000 }, random);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
  });
});

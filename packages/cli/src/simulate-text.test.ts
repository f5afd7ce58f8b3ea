import type { Command } from "@lanekeeper/testing";
import { describe, expect, it } from "vitest";
import { describeEnd, describeFailure, describeGivenUp, describeSimulations } from "./simulate-text.ts";
import type { SimulationProgress } from "./simulation-pool.ts";

const begun: SimulationProgress = {
  runs: 0,
  underWay: 1,
  total: 1,
  failures: 0,
  share: 0,
  simulatedMs: 0,
  realMs: 1,
  shrinking: [],
};
const lineOf = (progress: Partial<SimulationProgress>): string =>
  describeSimulations({ ...begun, ...progress }).line();
const shrinking = [{ seed: 17, rule: "B33", commands: 14, commandsBefore: 1_030 }];

describe("the progress of simulations", () => {
  it("says of one run how much of it is over, by its own time", () => {
    expect(lineOf({ share: 0.4, simulatedMs: 34_560_000, realMs: 96_000 })).toBe(
      "40 % · run 1 of 1 · 9.6 h simulated · 0.1 h/s · no failure",
    );
  });

  it("says of many how many are over and under way, and counts the time of both", () => {
    const progress = {
      runs: 1_200,
      underWay: 2,
      total: 5_000,
      share: 0.2403,
      simulatedMs: 360_720_000,
      realMs: 10_000,
    };
    expect(lineOf(progress)).toBe(
      "24 % · 1,200 of 5,000 runs over, 2 under way · 100.2 h simulated · 10 h/s · no failure",
    );
  });

  it("calls none finished before it is", () => {
    expect(lineOf({ share: 1 })).toMatch(/^99 % · run 1 of 1 · /);
    expect(lineOf({ runs: 1, underWay: 0, share: 1 })).toMatch(/^100 % · 1 of 1 run over · /);
  });

  it("says which rule a run broke while that is made smaller, and no pace: no time is simulated that counts", () => {
    expect(lineOf({ share: 1, failures: 1, simulatedMs: 360_000, realMs: 9_000, shrinking })).toBe(
      "99 % · run 1 of 1 · 0.1 h simulated · 1 failed · seed 17 failed: B33 · making it smaller: 14 of 1,030 commands left",
    );
  });

  it("draws as much of a bar as is over on a terminal", () => {
    const { block } = describeSimulations({ ...begun, share: 0.5 });
    const [bar, facts] = block(200).split("\n");
    expect(bar).toBe(`${"█".repeat(20)}${"░".repeat(20)} 50 % · run 1 of 1`);
    expect(facts).toBe("0 h simulated · 0 h/s · no failure");
  });
});

it("a failure that was given up before it was made smaller is told with what runs it again", () => {
  const scenario = { seed: 17, minutes: 5, sessions: 20 };
  expect(describeGivenUp({ seed: 17, rule: "B33", scenario })).toBe(
    "Seed 17 failed: B33. It was not made smaller. Run it again: lanekeeper simulate --seed 17 --minutes 5 --sessions 20",
  );
});

it.each<[left: number, before: number, sentence: string]>([
  [3, 1_160, "3 of its 1,160 commands are enough:"],
  [1, 160, "1 of its 160 commands is enough:"],
  [0, 160, "None of its 160 commands is needed: heartbeats and what turns do are enough."],
  [0, 1, "Its only command is not needed: heartbeats and what turns do are enough."],
  [0, 0, "It has no commands: heartbeats and what turns do are enough."],
  [1, 1, "Its only command could not be left out:"],
  [5, 5, "None of its 5 commands could be left out:"],
])("a failure says what %i commands of %i are", (left, before, sentence) => {
  const commands = Array.from({ length: left }, (_, at): Command => ({ at, do: "pauseAll", keeper: 0 }));
  const scenario = { seed: 17, minutes: 5, sessions: 20, commands };
  const violations = [{ rule: "B33", sentence: "send has no answer" }];
  const text = describeFailure({ violations, commandsBefore: before, scenario, files: {} }, "out/seed-17");
  expect(text.split("\n").slice(0, 3)).toEqual([
    "Seed 17 broke a rule:",
    "  B33 send has no answer",
    sentence,
  ]);
});

it("the end says how many runs there were and how many broke a rule", () => {
  const end = { ...begun, runs: 3, underWay: 0, total: 3, share: 1, simulatedMs: 3_600_000, realMs: 2_000 };
  expect(describeEnd(end, undefined)).toMatch(/^3 runs: no rule was broken · 1 h simulated in /);
  expect(describeEnd({ ...end, failures: 2 }, undefined)).toMatch(/^3 runs: 2 broke a rule · /);
});

import { expect, it } from "vitest";
import type { Command } from "@lanekeeper/testing";
import { type FinishedRun, runSimulations, type SimulationProgress } from "./simulation-pool.ts";

/** So many that it takes many runs to leave most of them out; no keeper of a simulation has this group. */
const commands = Array.from({ length: 300 }, (_, index): Command => ({
  at: 0,
  do: "send",
  session: "agent:a1:main",
  id: `m${index}`,
  group: "nobody's",
}));
const scenario = { seed: 1, minutes: 0.5, sessions: 4, commands };

it("counts a run as failed and tells its rule as soon as it broke it, and hands it over when it is given up", async () => {
  const interruption = new AbortController();
  const finished: FinishedRun[] = [];
  const seen: SimulationProgress[] = [];
  const end = await runSimulations([scenario], 1, {
    stop: interruption.signal,
    onBegin(progress) {
      const look = (): void => {
        if (progress().shrinking.length === 0) {
          setImmediate(look);
          return;
        }
        seen.push(progress());
        interruption.abort();
      };
      look();
    },
    onRun: (run) => void finished.push(run),
  });
  expect(seen).toMatchObject([{ runs: 0, underWay: 1, failures: 1, share: 1 }]);
  expect(seen[0]!.shrinking).toEqual([{ seed: 1, rule: "B33", commands: 300, commandsBefore: 300 }]);
  expect(finished).toEqual([{ seed: 1, rule: "B33", scenario }]);
  expect(end).toMatchObject({ runs: 1, underWay: 0, total: 1, failures: 1 });
  expect(end.simulatedMs).toBeGreaterThanOrEqual(30_000);
});

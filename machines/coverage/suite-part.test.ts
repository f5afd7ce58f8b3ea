import { expect, it } from "vitest";
import { partOf } from "./suite-part.ts";

it.each([
  ["machines/session-lane/session-lane.machine.test.ts", "charts"],
  ["packages/lanekeeper/src/xstate/compiled-logic.test.ts", "charts"],
  ["packages/lanekeeper/src/rules/reset.test.ts", "rules"],
  ["packages/lanekeeper/src/watching/live-sessions.test.ts", "rules"],
  ["packages/lanekeeper/src/rules/races-reset.test.ts", "races"],
  ["packages/lanekeeper/src/rules/heartbeat-races.test.ts", "races"],
  ["packages/testing/src/simulate.test.ts", "simulation"],
  ["test/simulation/random-traffic.test.ts", "simulation"],
  ["test/model/model.test.ts", "simulation"],
  ["test/incidents/phantom-slot.test.ts", "elsewhere"],
  ["packages/cli/src/main.test.ts", "elsewhere"],
])("%s belongs to %s", (file, part) => {
  expect(partOf(file)).toBe(part);
});

import { type Command, simulate } from "@lanekeeper/testing";
import { expect, it } from "vitest";

/**
 * What the long simulation once took for a broken rule, or what once broke one: each with the seed that decides its chances,
 * and as few of its commands as are enough.
 */
const found: readonly (readonly [story: string, seed: number, commands: readonly Command[]])[] = [
  [
    "an event is put back from a dead letter by a keeper that is killed before it could say so",
    301_121,
    [
      {
        at: 59_703,
        do: "send",
        session: "agent:a1:s9",
        id: "m399",
        mode: "interrupt",
        priority: "normal",
        group: "batch",
        withdrawnAfterMs: 1_000,
      },
      {
        at: 61_084,
        do: "send",
        session: "agent:a1:s9",
        id: "m90",
        mode: "followup",
        priority: "background",
      },
      { at: 73_686, do: "redrive", session: "agent:a1:s9" },
      { at: 73_723, do: "crash", keeper: 0, downMs: 0 },
    ],
  ],
  [
    "a turn is shown a message that two calls have brought, neither of them answered",
    301_265,
    [
      {
        at: 6_242,
        do: "send",
        session: "agent:a4:s12",
        id: "m110",
        mode: "followup",
        priority: "background",
        withdrawnAfterMs: 0,
      },
      { at: 7_642, do: "send", session: "agent:a4:s12", id: "m112", mode: "followup" },
      { at: 7_642, do: "send", session: "agent:a4:s12", id: "m113", mode: "steer", group: "batch" },
      { at: 7_642, do: "reportExec", session: "agent:a3:s7", execId: "u115", exitCode: 1 },
      {
        at: 7_642,
        do: "send",
        session: "agent:a4:s12",
        id: "m112",
        mode: "interrupt",
        priority: "normal",
      },
    ],
  ],
];

it.each(found)("breaks no rule where %s", async (_, seed, commands) => {
  const { violations } = await simulate({ seed, commands, sessions: 20, minutes: 5 });
  expect(violations).toEqual([]);
});

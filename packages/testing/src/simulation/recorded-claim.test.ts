import { expect, it, vi } from "vitest";
import { shrinkSimulation } from "./shrink.ts";
import { simulate } from "./simulate.ts";

const seen = vi.hoisted(() => ({ claims: [] as string[] }));
vi.mock("../invariants/check-invariants.ts", () => ({
  checkInvariants: () =>
    seen.claims.map((claim) => ({ rule: "B26", claim, sentence: "Seen.", recording: 0, index: 4 })),
}));

it("what a recording breaks has its claim, and shrinking keeps that claim, not its rule alone", async () => {
  const options = { seed: 1, minutes: 1, agents: 1, keepers: 1, sessions: 1, faults: [], turn: () => "done" };
  seen.claims = ["One."];
  const failed = await simulate({ ...options, commands: [{ at: 5, do: "pauseAll", keeper: 0 }] });
  expect(failed.violations).toEqual([{ rule: "B26", claim: "One.", sentence: "k1.1, entry 5: Seen." }]);
  seen.claims = ["Another."];
  expect((await shrinkSimulation(options, failed)).commands).toHaveLength(1);
  seen.claims = ["Another.", "One."];
  expect((await shrinkSimulation(options, failed)).commands).toHaveLength(0);
});

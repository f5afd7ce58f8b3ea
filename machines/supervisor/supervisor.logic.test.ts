import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createSupervisorContext,
  isQuiescent,
  recordCrash,
  recordTurns,
  type SupervisorContext,
} from "./supervisor.logic.ts";

describe("the supervisor's notes", () => {
  it("begin with no crash and no turn", () => {
    expect(createSupervisorContext()).toEqual({ crashes: 0, turns: 0 });
    expect(isQuiescent(createSupervisorContext())).toBe(true);
  });

  it("count crashes and hold the last number of turns", () => {
    const running = recordTurns(recordTurns(createSupervisorContext(), { turns: 9 }), { turns: 2 });
    expect(recordCrash(recordCrash(running))).toEqual({ crashes: 2, turns: 2 });
  });

  it("are quiescent exactly while no turn holds a slot", () => {
    const context = recordTurns(createSupervisorContext(), { turns: 1 });
    expect(isQuiescent(context)).toBe(false);
    expect(isQuiescent(recordTurns(context, { turns: 0 }))).toBe(true);
  });

  it("stay two numbers and JSON, whatever happens, and leave their argument alone (I1, I2)", () => {
    const notes = fc.array(fc.option(fc.nat()));
    fc.assert(
      fc.property(notes, (steps) => {
        let context = createSupervisorContext();
        for (const turns of steps) {
          const before: SupervisorContext = { ...context };
          const after = turns === null ? recordCrash(context) : recordTurns(context, { turns });
          expect(context).toEqual(before);
          context = after;
        }
        expect(context).toEqual({
          crashes: steps.filter((turns) => turns === null).length,
          turns: steps.findLast((turns) => turns !== null) ?? 0,
        });
        expect(Object.keys(context).toSorted()).toEqual(["crashes", "turns"]);
      }),
    );
  });
});

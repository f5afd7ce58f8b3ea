import { describe, expect, it } from "vitest";
import { TurnWaits } from "./turn-waits.ts";

describe("the waits of a turn (B29)", () => {
  it("are none at first", () => {
    const waits = new TurnWaits();
    expect([waits.reasons, waits.untilMono]).toEqual([[], undefined]);
  });

  it("last as long as the longest of them", () => {
    const waits = new TurnWaits();
    const endHuman = waits.begin("a human", 5_000);
    const endLimit = waits.begin("a rate limit", 9_000);
    waits.begin("a tool", 1_000);
    expect([waits.reasons, waits.untilMono]).toEqual([["a human", "a rate limit", "a tool"], 9_000]);
    endLimit();
    expect([waits.reasons, waits.untilMono]).toEqual([["a human", "a tool"], 5_000]);
    endHuman();
    expect(waits.untilMono).toBe(1_000);
  });

  it("are over when the last has ended (I1)", () => {
    const waits = new TurnWaits();
    const ends = [waits.begin("a", 1), waits.begin("b", 2)];
    for (const end of ends) end();
    expect([waits.reasons, waits.untilMono]).toEqual([[], undefined]);
  });

  it("end one by one, each once, also those that are alike", () => {
    const waits = new TurnWaits();
    const end = waits.begin("the same", 7);
    waits.begin("the same", 7);
    end();
    end();
    expect([waits.reasons, waits.untilMono]).toEqual([["the same"], 7]);
  });

  it("may be without an end of their own: a reply of another session (B10a)", () => {
    const waits = new TurnWaits();
    const end = waits.begin("the reply of child", Infinity);
    waits.begin("a human", 5);
    expect(waits.untilMono).toBe(Infinity);
    end();
    expect(waits.untilMono).toBe(5);
  });
});

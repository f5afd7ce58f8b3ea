import { describe, expect, it } from "vitest";
import { createRestWatch, Restless } from "./rest-watch.ts";
import { simulate } from "./simulate.ts";

describe("a system that does not come to rest", () => {
  it("is one whose timers fire more often than those of any that does", () => {
    const watch = createRestWatch(1);
    for (let step = 0; step < 33_000; step++) watch.step(1_000 + step / 1_000, true);
    expect(() => watch.step(1_034, true)).toThrow(Restless);
  });
  it("is none whose timers go on for ever at a common pace", () => {
    const watch = createRestWatch(1);
    const watching = (): void => {
      for (let step = 0; step < 200_000; step++) watch.step(10 * step, true);
    };
    expect(watching).not.toThrow();
  });
  it("is one that a thousand turns of the event loop are not enough for", () => {
    expect(() => createRestWatch(1).step(5, false)).toThrow(
      "At 5 ms nothing comes to rest: a thousand turns",
    );
  });
  it("is one with turn after turn at one instant, and not one with as many at several", () => {
    const watch = createRestWatch(1);
    for (let turn = 0; turn < 3_000; turn++)
      expect(watch.mayRun(turn % 2 === 0 ? turn : turn - 1)).toBe(true);
    for (let turn = 0; turn < 1_100; turn++) expect(watch.mayRun(9_000)).toBe(true);
    expect(watch.mayRun(9_000)).toBe(false);
    expect(() => watch.step(9_000, true)).toThrow("more than 1100 turns were called at one instant");
  });
  it("ends its simulation with what was seen of it", async () => {
    let sent = 0;
    const { violations, recordings } = await simulate({
      seed: 1,
      minutes: 1,
      async turn(turn, place) {
        await place.keeper.send(turn.sessionKey, `again ${sent++}`);
        return "done";
      },
    });
    expect(violations[0]?.rule).toBe("rest");
    expect(violations[0]?.sentence).toContain("turns were called at one instant");
    expect(recordings.flat().length).toBeGreaterThan(0);
  }, 60_000);
});

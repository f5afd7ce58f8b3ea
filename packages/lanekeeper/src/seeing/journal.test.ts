import { describe, expect, it } from "vitest";
import { createJournal } from "./journal.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";

function createPaper(broken = false) {
  const clock = createSimulatedClock();
  const lines: [level: string, fields: object, message: string][] = [];
  const write = (level: string) => (fields: object, message: string) => {
    lines.push([level, fields, message]);
    if (broken) throw new Error("the disk is full");
  };
  const logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  return { clock, lines, journal: createJournal(clock, logger, () => {}) };
}

describe("a journal", () => {
  it("writes one line per subject and 30 s, and with the next how many it held back (I2, B32)", async () => {
    const { clock, lines, journal } = createPaper();
    for (let second = 0; second < 30; second++) {
      journal.warn("stalled:chat", { second }, "A turn makes no progress.");
      await clock.advance(1_000);
    }
    journal.warn("stalled:chat", { second: 30 }, "A turn makes no progress.");
    expect(lines).toEqual([
      ["warn", { second: 0 }, "A turn makes no progress."],
      ["warn", { second: 30, heldBack: 29 }, "A turn makes no progress."],
    ]);
  });

  it("keeps subjects apart, and warnings from errors", () => {
    const { lines, journal } = createPaper();
    journal.warn("a", {}, "1");
    journal.warn("b", {}, "2");
    journal.error("a", {}, "3");
    journal.error("a", {}, "4");
    expect(lines.map(([level, , message]) => level + message)).toEqual(["warn1", "warn2", "error3"]);
  });

  it("is not stopped by a wall clock that steps back", async () => {
    const { clock, lines, journal } = createPaper();
    journal.warn("a", {}, "1");
    clock.stepWall(-86_400_000);
    await clock.advance(30_000);
    journal.warn("a", {}, "2");
    expect(lines).toHaveLength(2);
  });

  it("survives a logger that throws (I1)", () => {
    const { lines, journal } = createPaper(true);
    journal.warn("a", {}, "1");
    journal.error("a", {}, "2");
    journal.callbackFailed("turn", "no error at all");
    expect(lines).toHaveLength(3);
  });

  it("logs a callback that threw, whatever it threw, once per place and 30 s (B5)", async () => {
    const { clock, lines, journal } = createPaper();
    const broken = new Error("broken");
    journal.callbackFailed("agentOf", broken);
    journal.callbackFailed("agentOf", broken);
    journal.callbackFailed("laneFor", null, "gave an invalid value");
    await clock.advance(30_000);
    journal.callbackFailed("agentOf", broken);
    expect(lines).toEqual([
      ["error", { place: "agentOf", error: broken }, "agentOf threw; it was ignored."],
      [
        "error",
        { place: "laneFor", error: expect.any(Error) as Error },
        "laneFor gave an invalid value; it was ignored.",
      ],
      ["error", { place: "agentOf", error: broken, heldBack: 1 }, "agentOf threw; it was ignored."],
    ]);
  });

  it("logs a subscriber that throws, once per 30 s, and tells the others (I1, B5)", () => {
    const { lines, journal } = createPaper();
    const broken = new Error("broken");
    const seen: number[] = [];
    expect(journal.isObserved).toBe(false);
    journal.events$.subscribe(() => {
      throw broken;
    });
    journal.events$.subscribe(({ at }) => seen.push(at));
    expect(journal.isObserved).toBe(true);
    for (const at of [1, 2]) journal.emit({ type: "lane.passivated", at, sessionKey: "chat" });
    journal.flush();
    journal.close();
    const place = "a subscriber of events$";
    expect(lines).toEqual([["error", { place, error: broken }, `${place} threw; it was ignored.`]]);
    expect([seen, journal.isObserved]).toEqual([[1, 2], false]);
  });
});

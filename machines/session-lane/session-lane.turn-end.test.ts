import { describe, expect, it } from "vitest";
import { acts, graceMs, mails, named, type Row, startLane, turn, ways } from "../staged-lane.ts";

const { abort, changed, close, failed, holds, lost, paused } = acts;
const { progressed, reset, returned, settled, threw, wake } = acts;

/** What follows where the code of a turn has ended and its slot is free. */
function settling(conclusion: string): [string, ...string[]] {
  return ["busy.settling", "release", `+settlement ${conclusion}`];
}
/** What follows where a turn is fenced. */
function reclaimed(abortedFor: string, conclusion: string): [string, ...string[]] {
  const effects = ["fence", "release", `report reclaimed ${abortedFor}`];
  return ["reclaimed.settling", ...effects, `+settlement ${conclusion}`];
}

const aborting: readonly Row[] = [
  ["settles an aborted turn that returned", "aborting, aborted", [returned], ...settling("cancelled")],
  ["settles an aborted turn that threw", "aborting, aborted", [threw], ...settling("cancelled")],
  ["aborts a turn once (B28)", "aborting, aborted", [abort], "busy.aborting"],
  [
    "lets a reset wait for an aborted turn",
    "aborting, aborted",
    [reset],
    "busy.aborting",
    "postpone session.reset",
  ],
  [
    "reclaims an aborted turn whose slot is lost",
    "aborting, aborted",
    [lost],
    ...reclaimed("aborted", "cancelled"),
  ],
  [
    "reclaims an aborted turn after its grace (B26)",
    "aborting, aborted",
    [graceMs - 1, 1],
    ...reclaimed("aborted", "cancelled"),
  ],
  [
    "waits while an aborted turn's grace is not over",
    "aborting, aborted",
    [holds("isGraceOver", false), graceMs],
    "busy.aborting",
  ],
  ["ignores what an aborted turn may not say", "aborting, aborted", [progressed, close], "busy.aborting"],
  [
    "completes a turn that returned after close (B58)",
    "aborting, closed",
    [returned],
    ...settling("completed"),
  ],
  [
    "hands back the work of one that threw after close (B58)",
    "aborting, closed",
    [threw],
    ...settling("handed-back"),
  ],
  [
    "hands back the work of one fenced after close (B58)",
    "aborting, closed",
    [graceMs],
    ...reclaimed("closed", "handed-back"),
  ],
  ["aborts a turn that was only closing", "aborting, closed", [abort], "busy.aborting", "abort aborted"],
  ["resets a turn that was only closing", "aborting, closed", [reset], "busy.aborting", "abort reset"],
  ["defers a wake while its turn is aborting", "aborting, closed", [wake], "busy.aborting", "defer wake"],
  [
    "settles a stalled turn that was aborted and returned",
    "stalled, aborted",
    [returned],
    ...settling("cancelled"),
  ],
  [
    "settles a stalled turn that was aborted and threw",
    "stalled, aborted",
    [threw],
    ...settling("cancelled"),
  ],
  ["aborts a stalled turn once", "stalled, aborted", [abort], "stalled.aborting"],
  [
    "lets a reset wait for a stalled turn",
    "stalled, aborted",
    [reset],
    "stalled.aborting",
    "postpone session.reset",
  ],
  [
    "reclaims a stalled turn whose slot is lost",
    "stalled, aborted",
    [lost],
    ...reclaimed("aborted", "cancelled"),
  ],
  [
    "reclaims a stalled turn after its grace",
    "stalled, aborted",
    [graceMs],
    ...reclaimed("aborted", "cancelled"),
  ],
  [
    "waits while a stalled turn's grace is not over",
    "stalled, aborted",
    [holds("isGraceOver", false), graceMs],
    "stalled.aborting",
  ],
  [
    "completes an overdue turn that replied within its grace (B26)",
    "stalled, overdue",
    [graceMs - 1, returned],
    ...settling("completed"),
  ],
  [
    "reclaims an overdue turn that rejected (B26)",
    "stalled, overdue",
    [threw],
    ...reclaimed("stalled", "reclaimed"),
  ],
  [
    "reclaims an overdue turn after its grace (B26)",
    "stalled, overdue",
    [graceMs],
    ...reclaimed("stalled", "reclaimed"),
  ],
  [
    "aborts an overdue turn whose outcome is open",
    "stalled, overdue",
    [abort],
    "stalled.aborting",
    "abort aborted",
  ],
  [
    "resets an overdue turn whose outcome is open",
    "stalled, overdue",
    [reset],
    "stalled.aborting",
    "abort reset",
  ],
  [
    "is not recovered by an overdue turn's progress (B28)",
    "stalled, overdue",
    [progressed],
    "stalled.aborting",
  ],
];

describe("a lane that told its turn to stop", () => {
  it.each(aborting.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it.each([
    ["completes one that returned", [returned], settling("completed")],
    ["reclaims one that rejected", [threw], reclaimed("timeout", "reclaimed")],
    ["reclaims one whose grace is over", [graceMs], reclaimed("timeout", "reclaimed")],
    ["reclaims one whose slot is lost", [lost], reclaimed("timeout", "reclaimed")],
    ["aborts one whose outcome is open", [abort], ["busy.aborting", "abort aborted"]],
    ["resets one whose outcome is open", [reset], ["busy.aborting", "abort reset"]],
  ] as const)("because of its time limit %s (B26)", (_claim, steps, expected) => {
    const lane = startLane();
    lane.act(...ways.running, holds("isQuiet", false));
    for (let minutes = 2; minutes <= 60; minutes += 2) lane.act(120_000);
    expect([lane.state(), lane.context().abort]).toEqual(["busy.aborting", "timeout"]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("gives its grace once, however often it is told (B26)", () => {
    for (const from of ["aborting, closed", "stalled, overdue"] as const) {
      const lane = startLane();
      lane.act(...ways[from], graceMs - 1, abort);
      expect(lane.act(1)).toEqual(reclaimed("aborted", "cancelled"));
    }
  });

  it("looks again whether the grace is over", () => {
    for (const from of ["aborting, aborted", "stalled, aborted"] as const) {
      const lane = startLane();
      lane.act(...ways[from], holds("isGraceOver", false), graceMs);
      expect(lane.act(holds("isGraceOver", true), graceMs)).toEqual(reclaimed("aborted", "cancelled"));
    }
  });
});

const ended: readonly Row[] = [
  ["is idle when nothing waits", "settling", [settled], "idle", "resume", "-settlement"],
  [
    "tries again when the store failed (B57)",
    "settling",
    [failed],
    "busy.unsettled",
    "resume",
    "-settlement",
    "+outage",
  ],
  ["answers a reset after the settlement", "settling", [reset], "busy.settling", "postpone session.reset"],
  ["ignores a turn that ends twice (B7)", "settling", [returned, threw, abort, lost], "busy.settling"],
  ["defers a wake until its work is settled", "settling", [wake], "busy.settling", "defer wake"],
  [
    "settles again after a while",
    "unsettled",
    [999, 1],
    "busy.settling",
    "release",
    "-outage",
    "+settlement completed",
  ],
  [
    "answers a reset when it is settled at last",
    "unsettled",
    [reset],
    "busy.unsettled",
    "postpone session.reset",
  ],
  ["is idle after a reclaim when nothing waits", "reclaimed", [settled], "idle", "resume", "-settlement"],
  [
    "stays reclaimed when the store failed (B1)",
    "reclaimed",
    [failed],
    "reclaimed.unsettled",
    "-settlement",
    "+outage",
  ],
  ["answers a reset after the reclaim", "reclaimed", [reset], "reclaimed.settling", "postpone session.reset"],
  [
    "answers a reset after a reclaim the store missed",
    "reclaimed, unsettled",
    [reset],
    "reclaimed.unsettled",
    "postpone session.reset",
  ],
  [
    "ignores what a zombie says (B28)",
    "reclaimed",
    [returned, threw, progressed, abort],
    "reclaimed.settling",
  ],
  [
    "settles a reclaim again after a while",
    "reclaimed, unsettled",
    [1_000],
    "reclaimed.settling",
    "-outage",
    "+settlement crashed",
  ],
];

describe("a lane whose turn is over", () => {
  it.each(ended.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("goes on with what waits as soon as the work is settled", () => {
    for (const from of ["settling", "reclaimed"] as const) {
      const lane = startLane();
      lane.act(...ways[from], changed(mails.message));
      expect(lane.act({ type: "work.settled", mailbox: mails.message })).toEqual([
        "busy.waitingForCapacity",
        "resume",
        "adjust foreground",
        "-settlement",
        "+claim",
      ]);
    }
  });

  it("backs off, or is paused, when its work is to be tried again", () => {
    const lane = startLane();
    lane.act(...ways.settling);
    expect(lane.act({ type: "work.settled", mailbox: mails.failed })[0]).toBe("busy.backingOff");
    const other = startLane();
    other.act(...ways.reclaimed, paused(true));
    expect(other.act({ type: "work.settled", mailbox: mails.message })[0]).toBe("busy.paused");
  });

  it("knows its turn and what its end means until then, and nothing of it afterwards", () => {
    const lane = startLane();
    lane.act(...ways["stalled, overdue"], threw);
    expect(lane.context()).toMatchObject({ turn, abort: "stalled", conclusion: "reclaimed" });
    lane.act(settled);
    expect(lane.context()).toMatchObject({ turn: null, abort: null, conclusion: null });
  });

  it("runs the next turn for a wake that came meanwhile", () => {
    const lane = startLane();
    lane.act(...ways.running, wake, returned);
    expect(lane.act(settled)[0]).toBe("busy.waitingForCapacity");
  });
});

import { describe, expect, it } from "vitest";
import {} from "../staged-lane.ts";

type Row = readonly [claim: string, from: keyof typeof ways, steps: readonly Act[], ...expected: string[]];

const waiting: readonly Row[] = [
  [
    "an idle lane claims a slot when work comes",
    "idle",
    [changed(message)],
    "busy.waitingForCapacity",
    "+claim",
  ],
  ["an idle lane lets quiet events wait", "idle", [changed({ ...nothing, quiet: 9 })], "idle"],
  ["an idle lane takes a wake for work and defers none", "idle", [wake], "busy.waitingForCapacity", "+claim"],
  ["an idle lane restarts its session", "idle", [reset], "busy.restarting", "+restart"],
  ["an idle lane falls asleep after its time", "idle", [59_999, 1], "asleep"],
  [
    "an idle lane ignores what only a turn can say",
    "idle",
    [returned, threw, progressed, lost, abort, close],
    "idle",
  ],
  ["a paused lane goes on when resumed", "paused", [paused(false)], "busy.waitingForCapacity", "+claim"],
  ["a paused lane whose work is withdrawn is idle", "paused", [changed(nothing)], "idle"],
  ["a paused lane defers a wake", "paused", [wake], "busy.paused", "defer wake"],
  ["a paused lane restarts its session", "paused", [reset], "busy.restarting", "+restart"],
  ["a lane backs off until its time", "backingOff", [999], "busy.backingOff"],
  ["a lane tries again after its backoff", "backingOff", [1_000], "busy.waitingForCapacity", "+claim"],
  ["a lane that backs off can be paused", "backingOff", [paused(true)], "busy.paused"],
  ["a lane whose failed work is withdrawn is idle", "backingOff", [changed(nothing)], "idle"],
  [
    "a lane stops backing off for other work",
    "backingOff",
    [changed(message)],
    "busy.waitingForCapacity",
    "+claim",
  ],
  ["a lane that backs off restarts its session", "backingOff", [reset], "busy.restarting", "+restart"],
  [
    "a lane that is granted a slot opens its turn",
    "waiting",
    [granted],
    "busy.opening",
    "-claim",
    "+opening",
  ],
  ["a lane waits for capacity however long (B13)", "waiting", [86_400_000], "busy.waitingForCapacity"],
  ["a waiting lane defers a wake", "waiting", [wake], "busy.waitingForCapacity", "defer wake"],
  [
    "a waiting lane leaves the line to restart",
    "waiting",
    [reset],
    "busy.restarting",
    "release",
    "-claim",
    "+restart",
  ],
  [
    "a waiting lane leaves the line when paused",
    "waiting",
    [paused(true)],
    "busy.paused",
    "release",
    "-claim",
  ],
  ["a waiting lane leaves the line without work", "waiting", [changed(nothing)], "idle", "release", "-claim"],
  [
    "a waiting lane leaves the line to back off",
    "waiting",
    [changed(failedMessage)],
    "busy.backingOff",
    "release",
    "-claim",
  ],
];

const opening: readonly Row[] = [
  [
    "a turn starts once it is open",
    "opening",
    [opened],
    "busy.running",
    "resume",
    "start turn-1",
    "-opening",
  ],
  [
    "a turn that found no work gives its slot back",
    "opening",
    [{ type: "turn.withheld", mailbox: nothing }],
    "idle",
    "resume",
    "release",
    "-opening",
  ],
  [
    "a store that fails to open a turn gets time, and the slot goes back (B57)",
    "opening",
    [failed],
    "busy.withoutStore",
    "resume",
    "release",
    "-opening",
    "+outage",
  ],
  [
    "an opening that breaks is a store that failed",
    "opening",
    [broke("opening")],
    "busy.withoutStore",
    "resume",
    "release",
    "-opening",
    "+outage",
  ],
  [
    "what is asked while a turn opens is answered after it",
    "opening",
    [lost, reset, abort, close],
    "busy.opening",
    "postpone slot.lost",
    "postpone session.reset",
    "postpone turn.abort",
    "postpone lane.close",
  ],
  ["a turn's opening does not mind a pause", "opening", [paused(true), changed(nothing)], "busy.opening"],
  [
    "a lane asks its store again in time",
    "withoutStore",
    [999, 1],
    "busy.waitingForCapacity",
    "-outage",
    "+claim",
  ],
  [
    "a lane without its store restarts its session",
    "withoutStore",
    [reset],
    "busy.restarting",
    "-outage",
    "+restart",
  ],
  ["a session that restarted goes on", "restarting", [restarted], "idle", "resume", "-restart"],
  [
    "a session that restarted goes on with what waits",
    "restarting",
    [{ type: "session.restarted", mailbox: message }],
    "busy.waitingForCapacity",
    "resume",
    "-restart",
    "+claim",
  ],
  [
    "a session that could not restart goes on as it was",
    "restarting",
    [failed],
    "idle",
    "resume",
    "-restart",
  ],
  [
    "a restart that breaks is a store that failed",
    "restarting",
    [broke("restart")],
    "idle",
    "resume",
    "-restart",
  ],
  ["a second reset waits for the first", "restarting", [reset], "busy.restarting", "postpone session.reset"],
];

describe("before its turn", () => {
  it.each([...waiting, ...opening])("%s", (_claim, from, steps, ...expected) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("a lane is started with what the store says", () => {
    const mailbox = { version: 1, ...message };
    expect(startLane({ mailbox }).state()).toBe("busy.waitingForCapacity");
    expect(startLane({ wakeDue: true }).state()).toBe("busy.waitingForCapacity");
    expect(startLane({ mailbox, pausedBy: { session: false, keeper: true } }).state()).toBe("busy.paused");
    expect(startLane({ mailbox: { version: 1, ...failedMessage } }).state()).toBe("busy.backingOff");
    expect(startLane().log).toEqual([]);
  });

  it("a lane stays paused until neither its session nor the keeper is (B59a)", () => {
    const lane = startLane({
      mailbox: { version: 1, ...message },
      pausedBy: { session: true, keeper: true },
    });
    expect(lane.act(paused(false))).toEqual(["busy.paused"]);
    expect(lane.act({ type: "pause.changed", scope: "keeper", paused: false })).toEqual([
      "busy.waitingForCapacity",
      "+claim",
    ]);
  });

  it("a lane backs off anew when the work fails again", () => {
    const lane = startLane();
    lane.act(...ways.backingOff, 1_000);
    expect(lane.context().elapsedRetryAt).toBe(5);
    expect(lane.act(changed({ ...failedMessage, retry: { holding: "message", at: 9 } }))[0]).toBe(
      "busy.backingOff",
    );
  });

  it("a lane that fell asleep is done", () => {
    const lane = startLane();
    lane.act(60_000);
    expect(lane.status()).toBe("done");
  });

  it("a lane whose claim or outage breaks ends, for its supervisor to rebuild it", () => {
    expect(() => startLane({ mailbox: { version: 1, ...message } }, ["claim"]).status()).not.toThrow();
  });
});

import { describe, expect, it } from "vitest";
import { acts, mails, overdueMs, named, type Row, stallMs, startLane, ways } from "../staged-lane.ts";

const { abort, changed, close, failed, granted, holds, lost, opened, paused } = acts;
const { progressed, reset, restarted, returned, threw, wake } = acts;
const { message, nothing } = mails;

/** What follows where a lane takes its place in the line. */
function claiming(demand: string): [string, ...string[]] {
  return ["busy.waitingForCapacity", `adjust ${demand}`, "+claim"];
}
/** What follows where a mailbox makes a lane leave the line. */
function leaving(demand: string): string[] {
  return [`adjust ${demand}`, "release", "-claim"];
}

const waiting: readonly Row[] = [
  ["claims a slot when work comes", "idle", [changed(message)], ...claiming("foreground")],
  ["lets quiet events wait", "idle", [changed({ ...nothing, quiet: 9 })], "idle"],
  ["lets steering wait for the turn that it steers (B19)", "idle", [changed(mails.steering)], "idle"],
  [
    "takes a wake for work while idle",
    "idle",
    [wake],
    "busy.waitingForCapacity",
    "defer wake",
    "adjust normal, woken",
    "+claim",
  ],
  ["restarts its session while idle", "idle", [reset], "busy.restarting", "+restart"],
  ["falls asleep when it was idle for its time (B11)", "idle", [59_999, 1], "asleep"],
  [
    "ignores while idle what only a turn says",
    "idle",
    [returned, threw, progressed, lost, abort, close],
    "idle",
  ],
  ["goes on when resumed", "paused", [paused(false)], ...claiming("foreground")],
  ["is idle when its paused work is withdrawn", "paused", [changed(nothing)], "idle"],
  ["defers a wake while paused", "paused", [wake], "busy.paused", "defer wake"],
  ["restarts its session while paused", "paused", [reset], "busy.restarting", "+restart"],
  ["backs off until its time", "backingOff", [999], "busy.backingOff"],
  ["tries again after its backoff", "backingOff", [1_000], ...claiming("foreground")],
  ["is paused while it backs off", "backingOff", [paused(true)], "busy.paused"],
  ["is idle when its failed work is withdrawn", "backingOff", [changed(nothing)], "idle"],
  ["backs off no more for other work", "backingOff", [changed(message)], ...claiming("foreground")],
  ["restarts its session while it backs off", "backingOff", [reset], "busy.restarting", "+restart"],
  ["opens its turn when a slot is granted", "waiting", [granted], "busy.opening", "-claim", "+opening"],
  ["waits for capacity however long (B13)", "waiting", [86_400_000], "busy.waitingForCapacity"],
  [
    "defers a wake while it waits, and claims as urgently as that (B14)",
    "waiting",
    [wake],
    "busy.waitingForCapacity",
    "defer wake",
    "adjust foreground, woken",
  ],
  [
    "keeps its place in the line, and claims as urgently as what waits now, in its group (B12, B14)",
    "waiting",
    [changed({ ...message, priority: "background", group: "webhook" })],
    "busy.waitingForCapacity",
    "adjust background of webhook",
  ],
  [
    "is judged anew when the wake that it waits for is raised (B40)",
    "waiting",
    [acts.raised],
    "busy.waitingForCapacity",
    "adjust foreground",
  ],
  ["leaves the line to restart", "waiting", [reset], "busy.restarting", "release", "-claim", "+restart"],
  ["leaves the line when paused", "waiting", [paused(true)], "busy.paused", "release", "-claim"],
  ["leaves the line without work", "waiting", [changed(nothing)], "idle", ...leaving("normal")],
  [
    "leaves the line to back off",
    "waiting",
    [changed(mails.failed)],
    "busy.backingOff",
    ...leaving("foreground"),
  ],
  [
    "leaves the line to debounce (B18)",
    "waiting",
    [changed(mails.batch)],
    "busy.debouncing",
    ...leaving("foreground"),
  ],
];

describe("a lane that runs no turn", () => {
  it.each(waiting.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("begins with what the store says", () => {
    const mailbox = { version: 1, ...message };
    // The interpreter begins what a first step invokes before its actions; the runtime after them.
    expect(startLane({ mailbox }).log.toSorted()).toEqual(["+claim", "adjust foreground"]);
    expect(startLane({ wakeDue: true }).state()).toBe("busy.waitingForCapacity");
    expect(startLane({ mailbox, pausedBy: { session: false, keeper: true } }).state()).toBe("busy.paused");
    expect(startLane({ mailbox: { version: 1, ...mails.failed } }).state()).toBe("busy.backingOff");
    expect(startLane({ mailbox: { version: 1, ...mails.batch } }).state()).toBe("busy.debouncing");
    expect(startLane({ mailbox: { version: 1, ...mails.batch }, cap: 1 }).log).toContain("+claim");
    expect(startLane().log).toEqual([]);
  });

  it("stays paused until neither its session nor the keeper is (B59a)", () => {
    const mailbox = { version: 1, ...message };
    const lane = startLane({ mailbox, pausedBy: { session: true, keeper: true } });
    expect(lane.act(paused(false))).toEqual(["busy.paused"]);
    expect(lane.act(acts.resumedKeeper)).toEqual(claiming("foreground"));
  });

  it("backs off anew when its work fails again", () => {
    const lane = startLane();
    lane.act(...ways.backingOff, 1_000);
    const again = { ...message, retry: { holding: "message", at: 9 } } as const;
    expect(lane.act(changed(again))[0]).toBe("busy.backingOff");
  });

  it("is done when it fell asleep", () => {
    const lane = startLane();
    lane.act(60_000);
    expect(lane.status()).toBe("done");
  });

  it.each([
    ["claim", ways.waiting],
    ["opening", ways.opening],
    ["outage", ways.withoutStore],
    ["settlement", ways.settling],
    ["settlement", ways.reclaimed],
    ["restart", ways.restarting],
  ])("ends for its supervisor to rebuild it when its %s breaks (B7)", (effect, way) => {
    const lane = startLane({}, [effect]);
    lane.act(...way);
    expect(lane.status()).toBe("error");
    expect(lane.errors.map(String)).toEqual([`Error: ${effect} broke`]);
  });
});

const withheld = "busy.withoutStore";
const opening: readonly Row[] = [
  [
    "starts its turn once it is open",
    "opening",
    [opened],
    "busy.running",
    "resume",
    "start turn-1",
    "-opening",
  ],
  ["gives its slot back without work", "opening", [acts.withheld], "idle", "resume", "release", "-opening"],
  [
    "gives its slot back when the store fails (B57)",
    "opening",
    [failed],
    withheld,
    "resume",
    "release",
    "-opening",
    "+outage",
  ],
  ["answers a lost slot after the opening", "opening", [lost], "busy.opening", "postpone slot.lost"],
  ["answers a reset after the opening", "opening", [reset], "busy.opening", "postpone session.reset"],
  ["answers close after the opening", "opening", [close], "busy.opening", "postpone lane.close"],
  ["goes on opening when paused", "opening", [paused(true), changed(nothing)], "busy.opening"],
  [
    "asks its store again in time",
    "withoutStore",
    [999, 1],
    "busy.waitingForCapacity",
    "adjust foreground",
    "-outage",
    "+claim",
  ],
  [
    "asks its store again for a turn that may be open, though nothing waits any more",
    "opening",
    [acts.unconfirmed, changed(nothing), 1_000],
    "busy.waitingForCapacity",
    "resume",
    "release",
    "-opening",
    "+outage",
    "adjust normal",
    "-outage",
    "+claim",
  ],
  [
    "asks its store for no turn that is not open once nothing waits any more",
    "opening",
    [failed, changed(nothing), 1_000],
    "idle",
    "resume",
    "release",
    "-opening",
    "+outage",
    "-outage",
  ],
  [
    "restarts its session without its store",
    "withoutStore",
    [reset],
    "busy.restarting",
    "-outage",
    "+restart",
  ],
  ["goes on after a restart", "restarting", [restarted], "idle", "resume", "-restart"],
  ["goes on as it was when it could not restart", "restarting", [failed], "idle", "resume", "-restart"],
  [
    "lets a second reset wait for the first",
    "restarting",
    [reset],
    "busy.restarting",
    "postpone session.reset",
  ],
];

describe("a lane that asks its store", () => {
  it.each(opening.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("goes on with what waits after a restart", () => {
    const lane = startLane();
    lane.act(reset);
    expect(lane.act({ type: "session.restarted", mailbox: message })).toEqual([
      "busy.waitingForCapacity",
      "resume",
      "adjust foreground",
      "-restart",
      "+claim",
    ]);
  });
});

const settling = (conclusion: string) => ["busy.settling", "release", `+settlement ${conclusion}`] as const;
const reclaimed = (abortedFor: string, conclusion: string) =>
  [
    "reclaimed.settling",
    "fence",
    "release",
    `report reclaimed ${abortedFor}`,
    `+settlement ${conclusion}`,
  ] as const;

const running: readonly Row[] = [
  ["settles a turn that returned", "running", [returned], ...settling("completed")],
  ["settles a turn that threw", "running", [threw], ...settling("failed")],
  ["tells its turn of an abort", "running", [abort], "busy.aborting", "abort aborted"],
  ["tells its turn of a reset", "running", [reset], "busy.aborting", "abort reset"],
  ["tells its turn of close", "running", [close], "busy.aborting", "abort closed"],
  [
    "gives up its turn with its slot",
    "running",
    [lost],
    "reclaimed.settling",
    "abort lost",
    ...reclaimed("lost", "crashed").slice(1),
  ],
  [
    "does not mind work, pauses and wakes",
    "running",
    [changed(message), paused(true), wake],
    "busy.running",
    "defer wake",
  ],
  ["does not mind progress while it makes some", "running", [progressed], "busy.running"],
  [
    "is stalled after its time without progress (B25)",
    "running",
    [stallMs - 1, 1],
    "stalled.running",
    "report stalled",
  ],
  [
    "is not stalled while its turn is not quiet",
    "running",
    [holds("isQuiet", false), stallMs],
    "busy.running",
  ],
  ["recovers with progress (B25)", "stalled", [progressed], "busy.running", "report recovered"],
  ["settles a stalled turn that returned", "stalled", [returned], ...settling("completed")],
  ["settles a stalled turn that threw", "stalled", [threw], ...settling("failed")],
  ["tells a stalled turn of an abort", "stalled", [abort], "stalled.aborting", "abort aborted"],
  ["tells a stalled turn of a reset", "stalled", [reset], "stalled.aborting", "abort reset"],
  ["tells a stalled turn of close", "stalled", [close], "stalled.aborting", "abort closed"],
  [
    "gives up a stalled turn with its slot",
    "stalled",
    [lost],
    "reclaimed.settling",
    "abort lost",
    ...reclaimed("lost", "crashed").slice(1),
  ],
  [
    "aborts a stalled turn that is overdue (B26)",
    "stalled",
    [overdueMs],
    "stalled.aborting",
    "abort stalled",
  ],
  [
    "gives a stalled turn that is not overdue its time",
    "stalled",
    [holds("isOverdue", false), overdueMs],
    "stalled.running",
  ],
];

describe("a lane that runs its turn", () => {
  it.each(running.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("looks again, and again, until its turn is quiet or overdue", () => {
    const lane = startLane();
    lane.act(...ways.running, holds("isQuiet", false), stallMs);
    expect(lane.act(stallMs, holds("isQuiet", true), stallMs)).toEqual(["stalled.running", "report stalled"]);
    lane.act(holds("isOverdue", false), overdueMs);
    expect(lane.act(overdueMs, holds("isOverdue", true), overdueMs)).toEqual([
      "stalled.aborting",
      "abort stalled",
    ]);
  });

  it("moves its turn's own time limit by nothing (B26)", () => {
    const busy = startLane();
    busy.act(...ways.running, holds("isQuiet", false));
    for (let minutes = 2; minutes < 60; minutes += 2) expect(busy.act(stallMs)).toEqual(["busy.running"]);
    expect(busy.act(stallMs - 1)).toEqual(["busy.running"]);
    expect(busy.act(1)).toEqual(["busy.aborting", "abort timeout"]);
    const stalled = startLane();
    stalled.act(...ways.stalled, holds("isOverdue", false));
    for (let minutes = 10; minutes <= 58; minutes += 8)
      expect(stalled.act(overdueMs)).toEqual(["stalled.running"]);
    expect(stalled.act(120_000)).toEqual(["stalled.aborting", "abort timeout"]);
  });
});

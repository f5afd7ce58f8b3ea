import { describe, expect, it } from "vitest";
import { acts, cap, debounceMs, graceMs, mails, named, type Row, startLane, ways } from "../staged-lane.ts";

const { abort, changed, close, granted, holds, lost, opened, paused } = acts;
const { progressed, reset, returned, settled, threw, wake, withheld } = acts;
const { batch, fullBatch, interrupt, message, nothing } = mails;

/** What follows where a lane takes its place in the line. */
const claiming = ["busy.waitingForCapacity", "adjust foreground", "+claim"] as const;
/** The batch at the head, by its first message, and how many have joined it. */
const batchOf = (firstSeq: number, count = 1) => ({
  ...batch,
  messages: count,
  batch: { ...batch.batch, firstSeq, count },
});

const debouncing: readonly Row[] = [
  ["waits for quiet while a batch is at the head", "idle", [changed(batch)], "busy.debouncing"],
  ["claims a slot at once for a batch that is full", "idle", [changed(fullBatch)], ...claiming],
  ["waits for its time", "debouncing", [debounceMs - 1], "busy.debouncing"],
  ["claims a slot when the batch is quiet", "debouncing", [debounceMs], ...claiming],
  [
    "waits on where messages came meanwhile",
    "debouncing",
    [holds("isBatchQuiet", false), debounceMs],
    "busy.debouncing",
  ],
  [
    "looks again, and again, whether the batch is quiet",
    "debouncing",
    [
      holds("isBatchQuiet", false),
      debounceMs,
      debounceMs,
      changed(batchOf(7, 3)),
      holds("isBatchQuiet", true),
      debounceMs,
    ],
    ...claiming,
  ],
  ["lets a message join the batch", "debouncing", [changed(batchOf(7, cap - 1))], "busy.debouncing"],
  ["waits no longer once the batch is full", "debouncing", [changed(batchOf(7, cap))], ...claiming],
  [
    "lets events and wakes wait with the batch",
    "debouncing",
    [changed({ ...batch, events: 2 }), wake],
    "busy.debouncing",
    "defer wake",
  ],
  ["debounces on where another batch is at the head", "debouncing", [changed(batchOf(8))], "busy.debouncing"],
  ["is idle when the batch is withdrawn", "debouncing", [changed(nothing)], "idle"],
  ["waits for no quiet with a followup at the head", "debouncing", [changed(message)], ...claiming],
  ["waits for no quiet with an interrupt at the head", "debouncing", [changed(interrupt)], ...claiming],
  ["backs off before it debounces", "debouncing", [changed(failed(batch))], "busy.backingOff"],
  ["is paused while it debounces", "debouncing", [paused(true)], "busy.paused"],
  ["debounces on when resumed", "debouncing", [paused(true), paused(false)], "busy.debouncing"],
  ["restarts its session while it debounces", "debouncing", [reset], "busy.restarting", "+restart"],
  [
    "ignores while it debounces what only a turn says",
    "debouncing",
    [returned, threw, progressed, lost, abort, close],
    "busy.debouncing",
  ],
];

function failed<Mail extends object>(mail: Mail) {
  return { ...mail, retry: { holding: "message", at: 5 } } as const;
}

describe("a lane with a batch at the head (B18)", () => {
  it.each(debouncing.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("does not wait for quiet twice, though its slot was withheld and messages came meanwhile", () => {
    const lane = startLane();
    lane.act(...ways.debouncing, debounceMs, granted);
    expect(lane.act({ type: "turn.withheld", mailbox: batchOf(7, 2) })[0]).toBe("busy.waitingForCapacity");
    expect(lane.act(changed(batchOf(7, 3)))[0]).toBe("busy.waitingForCapacity");
  });

  it("waits for quiet anew with another batch", () => {
    const lane = startLane();
    lane.act(...ways.debouncing, debounceMs);
    expect(lane.act(changed(batchOf(8)))).toEqual([
      "busy.debouncing",
      "adjust foreground",
      "release",
      "-claim",
    ]);
    expect(lane.act(debounceMs)).toEqual(claiming);
  });

  it("waits for quiet when its turn is over, as long as the batch still has to", () => {
    const lane = startLane();
    lane.act(...ways.running, changed(batch), returned);
    expect(lane.act({ type: "work.settled", mailbox: batch })[0]).toBe("busy.debouncing");
    expect(lane.act(debounceMs)).toEqual(claiming);
  });

  it("is full with as many messages as its settings allow", () => {
    const lane = startLane({ cap: 2 });
    expect(lane.act(changed(batchOf(7, 1)))).toEqual(["busy.debouncing"]);
    expect(lane.act(changed(batchOf(7, 2)))).toEqual(claiming);
  });
});

/** What follows where the code of an interrupted turn has ended. */
const settling = ["busy.settling", "release", "+settlement cancelled"] as const;
/** What follows where an interrupted turn is fenced. */
const reclaimed = [
  "reclaimed.settling",
  "fence",
  "release",
  "report reclaimed interrupted",
  "+settlement cancelled",
] as const;

const interrupts: readonly Row[] = [
  ["tells its turn", "running", [changed(interrupt)], "busy.aborting", "abort interrupted"],
  [
    "tells its turn also while paused",
    "running",
    [paused(true), changed(interrupt)],
    "busy.aborting",
    "abort interrupted",
  ],
  ["tells a stalled turn", "stalled", [changed(interrupt)], "stalled.aborting", "abort interrupted"],
  ["tells its turn once", "aborting, interrupted", [changed(interrupt), abort], "busy.aborting"],
  ["tells a stalled turn once", "stalled, interrupted", [changed(interrupt), abort], "stalled.aborting"],
  ["leaves a turn that was aborted alone", "aborting, aborted", [changed(interrupt)], "busy.aborting"],
  [
    "decides the outcome of a turn that was only closing (B28)",
    "aborting, closed",
    [changed(interrupt)],
    "busy.aborting",
    "abort interrupted",
  ],
  [
    "decides the outcome of an overdue turn (B28)",
    "stalled, overdue",
    [changed(interrupt)],
    "stalled.aborting",
    "abort interrupted",
  ],
  ["settles its turn when it returned", "aborting, interrupted", [returned], ...settling],
  ["settles its turn when it threw", "aborting, interrupted", [threw], ...settling],
  ["settles a stalled turn when it returned", "stalled, interrupted", [returned], ...settling],
  ["settles a stalled turn when it threw", "stalled, interrupted", [threw], ...settling],
  ["reclaims its turn after its grace", "aborting, interrupted", [graceMs - 1, 1], ...reclaimed],
  ["reclaims a stalled turn after its grace", "stalled, interrupted", [graceMs], ...reclaimed],
  ["reclaims its turn when the slot is lost", "aborting, interrupted", [lost], ...reclaimed],
  [
    "lets a reset wait for its turn",
    "aborting, interrupted",
    [reset],
    "busy.aborting",
    "postpone session.reset",
  ],
  ["has nobody to tell while idle", "idle", [changed(interrupt)], ...claiming],
  ["waits for no backoff", "backingOff", [changed(interrupt)], ...claiming],
  [
    "has nobody to tell in the line",
    "waiting",
    [changed(interrupt)],
    "busy.waitingForCapacity",
    "adjust foreground",
  ],
  ["waits for the end of an opening", "opening", [changed(interrupt)], "busy.opening"],
  [
    "tells a turn as soon as it is open",
    "opening",
    [changed(interrupt), { type: "turn.opened", turn: opened.turn, mailbox: interrupt }],
    "busy.aborting",
    "resume",
    "start turn-1",
    "abort interrupted",
    "-opening",
  ],
  [
    "is run by the turn that holds it",
    "opening",
    [changed(interrupt), opened],
    "busy.running",
    "resume",
    "start turn-1",
    "-opening",
  ],
  ["has nobody to tell once the turn is over", "settling", [changed(interrupt)], "busy.settling"],
  ["has nobody to tell after the reclaim", "reclaimed", [changed(interrupt)], "reclaimed.settling"],
];

describe("a lane with an interrupt (B20)", () => {
  it.each(interrupts.map(named))("$claim", ({ from, steps, expected }) => {
    const lane = startLane();
    lane.act(...ways[from]);
    expect(lane.act(...steps)).toEqual(expected);
  });

  it("gives its turn one grace, whatever it was told before", () => {
    for (const from of ["aborting, closed", "stalled, overdue"] as const) {
      const lane = startLane();
      lane.act(...ways[from], graceMs - 1, changed(interrupt));
      expect(lane.act(1)).toEqual(reclaimed);
    }
  });

  it("claims a slot for it when the turn is over, or waits while paused", () => {
    for (const end of [[returned], [graceMs]]) {
      const lane = startLane();
      lane.act(...ways["aborting, interrupted"], ...end);
      const [state, ...log] = lane.act({ type: "work.settled", mailbox: interrupt });
      expect([state, ...log]).toEqual([
        "busy.waitingForCapacity",
        "resume",
        "adjust foreground",
        "-settlement",
        "+claim",
      ]);
    }
    const lane = startLane();
    lane.act(...ways.running, paused(true), changed(interrupt), returned);
    expect(lane.act({ type: "work.settled", mailbox: interrupt })[0]).toBe("busy.paused");
  });

  it("whose message was withdrawn before the turn was over goes on with nothing", () => {
    const lane = startLane();
    lane.act(...ways["aborting, interrupted"], changed(nothing), returned);
    expect(lane.act(settled)[0]).toBe("idle");
  });

  it("does not mind steering and other messages while its turn runs (B17, B19)", () => {
    const lane = startLane();
    lane.act(...ways.running);
    expect(lane.act(changed({ ...message, steering: 2 }), changed(batch))).toEqual(["busy.running"]);
  });

  it("waits in the line though its slot was withheld", () => {
    const lane = startLane();
    lane.act(...ways.opening, changed(interrupt));
    expect(lane.act({ ...withheld, mailbox: interrupt })[0]).toBe("busy.waitingForCapacity");
  });
});

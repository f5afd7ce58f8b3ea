import { describe, expect, it } from "vitest";
import { createReplayLedger } from "./replay-ledger.ts";
import type { ReplayLedger, ReplayTurn } from "./replay-ledger.ts";

interface TurnFields {
  readonly attempt?: number;
  readonly messages?: readonly string[];
  readonly events?: readonly string[];
  readonly sessionKey?: string;
}

function createTurn({ attempt = 1, messages = [], events = [], sessionKey = "home" }: TurnFields) {
  const controller = new AbortController();
  const turn: ReplayTurn = {
    sessionKey,
    attempt,
    messages: messages.map((id) => ({ id })),
    events: events.map((id) => ({ id })),
    signal: controller.signal,
    assertCurrent: () => controller.signal.throwIfAborted(),
  };
  return { ...turn, abort: () => controller.abort() };
}

function accept(...ids: readonly string[]): ReplayLedger {
  const ledger = createReplayLedger({ attempts: 3 });
  for (const id of ids) {
    ledger.offer(id, "home", 0);
    ledger.accept(id);
  }
  return ledger;
}

const answer = (ledger: ReplayLedger, id: string, attempt = 1) => {
  ledger.begin(createTurn({ messages: [id], attempt }), 0).answer();
  ledger.settle(id, { status: "completed", reply: id });
};

const counts = (ledger: ReplayLedger, isInterrupted = false) => {
  const { orderViolations, overlaps, lost, duplicated } = ledger.tally({ isInterrupted });
  return { orderViolations, overlaps, lost, duplicated };
};
const none = { orderViolations: 0, overlaps: 0, lost: 0, duplicated: 0 };

describe("a faultless history", () => {
  it("has four zeros with a crash, a hang, a command and a reclaim in it", () => {
    const ledger = accept("crashes", "hangs", "answers");
    const crashing = ledger.begin(createTurn({ messages: ["crashes"] }), 0);
    ledger.launch("exec-1", "home");
    crashing.crash();
    ledger.begin(createTurn({ messages: ["crashes"], events: ["exec-1"], attempt: 2 }), 0).crash();
    answer(ledger, "crashes", 3);
    const hanging = createTurn({ messages: ["hangs"], events: ["exec-1"] });
    ledger.begin(hanging, 0);
    hanging.abort();
    ledger.begin(createTurn({ messages: ["answers"], events: ["exec-1"] }), 0).answer();
    ledger.settle("hangs", { status: "reclaimed" });
    ledger.settle("answers", { status: "completed", reply: "answers" });
    expect(counts(ledger)).toEqual(none);
    expect(ledger.tally({ isInterrupted: false })).toMatchObject({ turns: 5, deadLettered: 1 });
  });
});

describe("a faulty history", () => {
  it("shows as order violations when a retry loses its place", () => {
    const ledger = accept("a", "b");
    ledger.begin(createTurn({ messages: ["a"] }), 0).crash();
    answer(ledger, "b");
    answer(ledger, "a", 2);
    expect(counts(ledger)).toEqual({ ...none, orderViolations: 1 });
  });

  it("shows as an overlap when a turn starts beside one that was aborted and is not fenced", () => {
    const ledger = accept("a", "b");
    const hanging = { ...createTurn({ messages: ["a"] }), assertCurrent: () => undefined };
    ledger.begin(hanging, 0);
    hanging.abort();
    ledger.settle("a", { status: "reclaimed" });
    const next = ledger.begin(createTurn({ messages: ["b"] }), 0);
    next.check();
    next.answer();
    ledger.settle("b", { status: "completed", reply: "b" });
    expect(counts(ledger)).toEqual({ ...none, overlaps: 1 });
  });

  it("shows as duplicated when a message or a completion is handled again", () => {
    const ledger = accept("a");
    ledger.begin(createTurn({ messages: ["a"] }), 0).answer();
    ledger.launch("exec-1", "home");
    ledger.begin(createTurn({ events: ["exec-1"] }), 0).answer();
    answer(ledger, "a", 2);
    ledger.begin(createTurn({ events: ["exec-1"] }), 0).answer();
    expect(counts(ledger)).toEqual({ ...none, duplicated: 2 });
  });

  it("shows as lost when a message has no outcome, a completion never comes and another goes astray", () => {
    const ledger = accept("a");
    ledger.launch("exec-1", "home");
    ledger.launch("exec-2", "home");
    ledger.begin(createTurn({ events: ["exec-2"], sessionKey: "elsewhere" }), 0).answer();
    expect(counts(ledger)).toEqual({ ...none, lost: 3 });
  });

  it("is not held against a replay that was interrupted where work was only put off", () => {
    const ledger = accept("a");
    ledger.launch("exec-1", "home");
    ledger.settle("a", { status: "suspended" });
    expect(counts(ledger)).toEqual({ ...none, lost: 2 });
    expect(counts(ledger, true)).toEqual(none);
  });
});

describe("whenSettled", () => {
  it("resolves when the last outcome is known and the last completion delivered", async () => {
    const ledger = accept("a");
    let isSettled = false;
    const settled = ledger.whenSettled().then(() => (isSettled = true));
    ledger.begin(createTurn({ messages: ["a"] }), 0).answer();
    ledger.launch("exec-1", "home");
    ledger.settle("a", { status: "completed", reply: "a" });
    await Promise.resolve();
    expect(isSettled).toBe(false);
    ledger.begin(createTurn({ events: ["exec-1"] }), 0).answer();
    await settled;
    expect(isSettled).toBe(true);
  });

  it("resolves at once where nothing is open", async () => {
    await expect(accept().whenSettled()).resolves.toBeUndefined();
  });
});

it("grows its activity with everything written", () => {
  const ledger = accept("a");
  const before = ledger.activity;
  ledger.begin(createTurn({ messages: ["a"] }), 0).check();
  expect(ledger.activity).toBeGreaterThan(before);
});

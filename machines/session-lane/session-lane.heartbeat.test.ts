import { describe, expect, it } from "vitest";
import { createActor, fromCallback, SimulatedClock } from "xstate";
import { stateOf } from "../reachability.ts";
import type { LaneEvent } from "./session-lane.events.ts";
import {
  createLaneContext,
  type EffectInput,
  forgetHeartbeat,
  hasWork,
  isYielding,
  type LaneContext,
  type LaneInput,
  type LaneTurn,
  type MailboxSummary,
  recordHeartbeat,
  recordTurn,
  type SettlementInput,
} from "./session-lane.logic.ts";
import { sessionLaneMachine } from "./session-lane.machine.ts";

const empty: MailboxSummary = {
  version: 0,
  messages: 0,
  events: 0,
  quiet: 1,
  steering: 0,
  retry: null,
  batch: null,
  interrupt: false,
  pressing: false,
  priority: "normal",
  group: null,
};
const input: LaneInput = {
  sessionKey: "chat",
  cap: 20,
  mailbox: empty,
  wakeDue: false,
  pausedBy: { session: false, keeper: false },
};
const beat: LaneTurn = { id: "turn-1", cause: "heartbeat", attempt: 1, startedAt: 0, preemptible: true };
const due = { type: "heartbeat.due" } as const;
let version = 0;
const changed = (part: Partial<MailboxSummary>): LaneEvent => ({
  type: "mailbox.changed",
  mailbox: { ...empty, ...part, version: ++version },
});
const pressing = (): LaneEvent => changed({ messages: 1, pressing: true, priority: "foreground" });
const opened = (turn: LaneTurn): LaneEvent => ({
  type: "turn.opened",
  turn,
  mailbox: { ...empty, version: ++version },
});

/** A lane, what it aborted its turns for, and where each event leads it. */
function startLane() {
  const aborts: (string | null)[] = [];
  const idle = fromCallback<LaneEvent, EffectInput>(() => {});
  const machine = sessionLaneMachine.provide({
    actors: { claim: idle, opening: idle, settlement: fromCallback<LaneEvent, SettlementInput>(() => {}) },
    actions: { abortTurn: ({ context }) => void aborts.push(context.abort) },
  });
  const actor = createActor(machine, { input, clock: new SimulatedClock() }).start();
  return {
    aborts,
    context: (): LaneContext => actor.getSnapshot().context,
    tell: (...events: readonly LaneEvent[]) => {
      for (const event of events) actor.send(event);
      return stateOf(actor.getSnapshot());
    },
  };
}

const running = [due, { type: "slot.granted" }, opened(beat)] as const satisfies readonly LaneEvent[];

describe("a lane with a heartbeat", () => {
  it("claims a slot for it, and is idle again when it is withdrawn", () => {
    const lane = startLane();
    expect(lane.tell(due)).toBe("busy.waitingForCapacity");
    expect(lane.tell({ type: "heartbeat.withdrawn" })).toBe("idle");
  });

  it("keeps it while it does other work, and runs it afterwards (B41)", () => {
    const lane = startLane();
    lane.tell(changed({ messages: 1 }), { type: "slot.granted" }, opened({ ...beat, cause: "message" }), due);
    expect(lane.context().heartbeatDue).toBe(true);
    lane.tell({ type: "turn.returned" });
    const mailbox = { ...empty, version: ++version };
    expect(lane.tell({ type: "work.settled", mailbox })).toBe("busy.waitingForCapacity");
    lane.tell({ type: "slot.granted" }, opened(beat));
    expect(lane.context()).toMatchObject({ heartbeatDue: false, turn: beat });
  });

  it("forgets it where it is paused: a heartbeat is skipped, not kept (B59a)", () => {
    const lane = startLane();
    lane.tell(due);
    expect(lane.tell({ type: "pause.changed", scope: "keeper", paused: true })).toBe("idle");
    expect(lane.tell(due)).toBe("idle");
    expect(lane.context().heartbeatDue).toBe(false);
  });

  it("ends its turn for a message, also for one that came while it was opened (B47)", () => {
    const lane = startLane();
    expect(lane.tell(...running, pressing())).toBe("busy.aborting");
    const other = startLane();
    const turn = { type: "turn.opened", turn: beat, mailbox: { ...empty, version: 0 } } as const;
    expect(other.tell(due, { type: "slot.granted" }, pressing(), turn)).toBe("busy.aborting");
    expect([lane.aborts, other.aborts]).toEqual([["preempted"], ["preempted"]]);
  });

  it("ends it once, and for nothing else than a message that presses", () => {
    const lane = startLane();
    expect(lane.tell(...running, changed({ messages: 1, events: 1, priority: "normal" }))).toBe(
      "busy.running",
    );
    lane.tell(pressing(), pressing(), changed({ messages: 2, pressing: true, interrupt: true }));
    expect(lane.aborts).toEqual(["preempted"]);
  });

  it("ends no heartbeat that may not be preempted but for an interrupt (B20)", () => {
    const lane = startLane();
    const turn = { ...beat, preemptible: false };
    expect(lane.tell(due, { type: "slot.granted" }, opened(turn), pressing())).toBe("busy.running");
    lane.tell(changed({ messages: 2, pressing: true, interrupt: true }));
    expect(lane.aborts).toEqual(["interrupted"]);
  });
});

describe("a lane's context", () => {
  const context = createLaneContext(input);

  it("has work while a heartbeat is due, and not when it is forgotten", () => {
    const asked = recordHeartbeat(context);
    expect([hasWork(context), hasWork(asked), hasWork(forgetHeartbeat(asked))]).toEqual([false, true, false]);
    expect(recordHeartbeat(asked)).toBe(asked);
    expect(forgetHeartbeat(context)).toBe(context);
  });

  it("yields to a message while nothing but a heartbeat keeps it busy", () => {
    const asked = recordHeartbeat(context);
    const mailbox = { ...empty, version: 1 };
    expect([isYielding(context), isYielding(asked)]).toEqual([false, true]);
    expect(isYielding({ ...asked, wakeDue: true })).toBe(false);
    expect(isYielding(recordTurn(asked, { turn: beat, mailbox }))).toBe(true);
    expect(isYielding(recordTurn(asked, { turn: { ...beat, preemptible: false }, mailbox }))).toBe(false);
    expect(isYielding(recordTurn(asked, { turn: { ...beat, cause: "wake" }, mailbox }))).toBe(false);
  });
});

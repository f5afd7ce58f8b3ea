import { describe, expect, it } from "vitest";
import { createActor, fromCallback, SimulatedClock } from "xstate";
import { stateOf } from "../reachability.ts";
import type { HeartbeatAsk, HeartbeatEvent } from "./heartbeat-runner.events.ts";
import type { HeartbeatInput, HeartbeatRecord } from "./heartbeat-runner.logic.ts";
import { heartbeatRunnerMachine } from "./heartbeat-runner.machine.ts";

const hour = 3_600_000;
const now = Date.parse("2026-05-01T12:00:00Z");
const input: HeartbeatInput = {
  agent: "main",
  sessionKey: "agent:main:main",
  everyMs: hour,
  minSpacingMs: 30_000,
  enabled: true,
  starts: [],
  at: now,
};

/** A runner with everything around it played by the test: `at` is the time its events tell. */
function startRunner(
  part: Partial<HeartbeatInput> = {},
  actors: Partial<Actors> = {},
  isQuiet: (at: number) => boolean = () => false,
) {
  const results: HeartbeatRecord[] = [];
  const asked: string[] = [];
  const live = new Set<string>();
  const answers: HeartbeatRecord[] = [];
  let saved: readonly number[] = [];
  let reported: HeartbeatRecord | null = null;
  const at = { now: input.at };
  const timers = new SimulatedClock();
  const play = (name: string) =>
    fromCallback<HeartbeatEvent, HeartbeatAsk>(({ input: ask }) => {
      asked.push(`${name} ${ask.agent}`);
      live.add(name);
      return () => live.delete(name);
    });
  const machine = heartbeatRunnerMachine.provide({
    actors: {
      clock: fromCallback<HeartbeatEvent>(({ sendBack }) => sendBack({ type: "clock.read", at: at.now })),
      request: play("request"),
      ...actors,
    },
    actions: {
      reportResult: ({ context: { last } }) => {
        if (last !== null && last !== reported) results.push(last);
        reported = last;
      },
      answerRequest: ({ context: { last } }) => {
        if (last !== null) answers.push(last);
      },
      saveStarts: ({ context: { starts } }) => {
        saved = starts;
      },
    },
    guards: { isQuietHours: (_, { at: instant }) => isQuiet(instant) },
    delays: {
      dueTime: ({ context }) => Math.max(0, (context.nextAt ?? 0) - at.now),
      retryTime: ({ context }) => Math.max(0, (context.retryAt ?? 0) - at.now),
    },
  });
  const actor = createActor(machine, { input: { ...input, ...part }, clock: timers }).start();
  return {
    asked,
    results,
    live,
    answers,
    saved: () => saved,
    state: () => stateOf(actor.getSnapshot()),
    context: () => actor.getSnapshot().context,
    /** Sends the events that happen now; each is given the time. */
    tell: (...events: readonly WithoutTime<HeartbeatEvent>[]) => {
      for (const event of events) actor.send({ at: at.now, ...event } as HeartbeatEvent);
      return stateOf(actor.getSnapshot());
    },
    /** Lets time pass on both clocks. */
    pass: (ms: number) => {
      at.now += ms;
      timers.increment(ms);
      return stateOf(actor.getSnapshot());
    },
    /** Steps the wall clock alone. */
    step: (ms: number) => {
      at.now += ms;
    },
    untilDue: () => (actor.getSnapshot().context.nextAt ?? 0) - at.now,
  };
}

type Actors = NonNullable<Parameters<typeof heartbeatRunnerMachine.provide>[0]["actors"]>;
type WithoutTime<Event> = Event extends { readonly at: number } ? Omit<Event, "at"> : Event;
type Runner = ReturnType<typeof startRunner>;

function startDue(part: Partial<HeartbeatInput> = {}, isQuiet?: (at: number) => boolean): Runner {
  const runner = startRunner(part, {}, isQuiet);
  runner.pass(runner.untilDue());
  return runner;
}

function startRunning(part: Partial<HeartbeatInput> = {}): Runner {
  const runner = startDue(part);
  runner.tell({ type: "turn.started" });
  return runner;
}

const completed = { type: "turn.completed", durationMs: 5 } as const;
const failed = { type: "turn.failed", error: "E", permanent: false } as const;

describe("a heartbeat runner in idle", () => {
  it("asks its session once when its time comes, and not before", () => {
    const runner = startRunner();
    expect(runner.pass(runner.untilDue() - 1)).toBe("idle.waiting");
    expect(runner.pass(1)).toBe("busy.pending.asking");
    expect(runner.asked).toEqual(["request main"]);
  });

  it("runs once after a sleep over many of its times, and goes on with the schedule (B43)", () => {
    const runner = startRunner();
    const { nextAt, schedule } = runner.context();
    runner.step(9 * hour);
    runner.pass((nextAt ?? 0) - now);
    expect(runner.tell({ type: "turn.started" }, completed)).toBe("idle.waiting");
    expect(runner.untilDue()).toBeGreaterThan(0);
    expect(((runner.context().nextAt ?? 0) - schedule.phaseMs) % hour).toBe(0);
    expect(runner.results.map(({ status }) => status)).toEqual(["ran"]);
  });

  it("waits on where its timer fired and the clock was stepped back, at most a period (B43)", () => {
    const runner = startRunner();
    const wait = runner.untilDue();
    runner.step(-5 * hour);
    expect(runner.pass(wait)).toBe("idle.waiting");
    expect(runner.untilDue()).toBeLessThanOrEqual(hour);
    expect(runner.pass(runner.untilDue())).toBe("busy.pending.asking");
  });

  it("skips a time in quiet hours and keeps the schedule (B44, B46)", () => {
    const runner = startDue({}, () => true);
    expect(runner.state()).toBe("idle.waiting");
    expect(runner.results).toMatchObject([{ status: "skipped", reason: "quiet-hours" }]);
    expect(runner.untilDue()).toBe(hour);
  });

  it("skips a time too soon after a start (B45)", () => {
    const runner = startRunner();
    runner.pass(runner.untilDue() - 10_000);
    runner.tell({ type: "heartbeat.request" }, { type: "turn.started" }, completed);
    expect(runner.pass(10_000)).toBe("idle.waiting");
    expect(runner.results.at(-1)).toMatchObject({ status: "skipped", reason: "too-soon" });
  });

  it("skips the sixth start of a minute (B45)", () => {
    const runner = startRunner({ everyMs: 1_000, minSpacingMs: 0 });
    for (let start = 0; start < 5; start += 1) {
      expect(runner.pass(runner.untilDue())).toBe("busy.pending.asking");
      runner.tell({ type: "turn.started" }, completed);
    }
    expect(runner.pass(runner.untilDue())).toBe("idle.waiting");
    expect(runner.results.at(-1)).toMatchObject({ status: "skipped", reason: "flood" });
  });

  it("runs by hand at once, however close the last start (B45)", () => {
    const runner = startRunner({ starts: [1, 2, 3, 4, 5].map((ago) => now - ago) });
    expect(runner.tell({ type: "heartbeat.request" })).toBe("busy.pending.asking");
    expect(runner.tell({ type: "turn.started" }, completed)).toBe("idle.waiting");
  });

  it("skips by hand while it is turned off, and by its schedule does nothing", () => {
    const runner = startRunner({ enabled: false });
    expect(runner.pass(5 * hour)).toBe("idle.disabled");
    expect(runner.results).toEqual([]);
    expect(runner.tell({ type: "heartbeat.request" })).toBe("idle.disabled");
    expect(runner.results).toMatchObject([{ status: "skipped", reason: "disabled" }]);
  });

  it("is turned on and off", () => {
    const runner = startRunner({ enabled: false });
    expect(runner.tell({ type: "heartbeat.enable" })).toBe("idle.waiting");
    expect(runner.tell({ type: "heartbeat.disable" })).toBe("idle.disabled");
  });

  it("takes a start that crossed the withdrawal of its request, and stays off after it", () => {
    const runner = startDue();
    expect(runner.tell({ type: "heartbeat.disable" }, { type: "turn.started" })).toBe("busy.running");
    expect(runner.tell(completed)).toBe("idle.disabled");
  });
});

describe("a heartbeat runner that is due", () => {
  it("says once that its session is busy, and polls nobody until its turn starts (B41, B42)", () => {
    const runner = startDue();
    expect(runner.tell({ type: "session.occupied" })).toBe("busy.pending.deferred");
    expect(runner.pass(10 * hour)).toBe("busy.pending.deferred");
    expect(runner.tell({ type: "capacity.filled", reason: "group-full" })).toBe(
      "busy.pending.waitingForCapacity",
    );
    expect(runner.tell({ type: "session.occupied" })).toBe("busy.pending.deferred");
    expect(runner.results).toMatchObject([{ status: "deferred", reason: "session-busy" }]);
    expect(runner.asked).toEqual(["request main"]);
    expect(runner.tell({ type: "turn.started" })).toBe("busy.running");
    expect([...runner.live]).toEqual([]);
  });

  it("merges the times that passed while it was deferred (B41)", () => {
    const runner = startDue();
    runner.tell({ type: "session.occupied" });
    runner.pass(10.5 * hour);
    runner.tell({ type: "turn.started" }, completed);
    expect(runner.untilDue()).toBeGreaterThan(0);
    expect(runner.results.map(({ status }) => status)).toEqual(["deferred", "ran"]);
  });

  it("says capacity is full, which is not its session's fault, and stands in line for it (B42)", () => {
    for (const reason of ["capacity-full", "group-full"] as const) {
      const runner = startDue();
      expect(runner.tell({ type: "capacity.filled", reason })).toBe("busy.pending.waitingForCapacity");
      expect(runner.results).toMatchObject([{ status: "deferred", reason }]);
      expect(runner.tell({ type: "turn.started" })).toBe("busy.running");
    }
  });

  it("answers who asks by hand with what it waits for, and still runs once", () => {
    const runner = startDue();
    runner.tell({ type: "session.occupied" }, { type: "heartbeat.request" });
    expect(runner.answers).toMatchObject([{ status: "deferred", reason: "session-busy" }]);
    runner.tell({ type: "capacity.filled", reason: "capacity-full" }, { type: "heartbeat.request" });
    expect(runner.answers.at(-1)).toMatchObject({ status: "deferred", reason: "capacity-full" });
    expect(runner.tell({ type: "turn.started" }, completed)).toBe("idle.waiting");
    expect(runner.results.map(({ status }) => status)).toEqual(["deferred", "ran"]);
  });

  it("keeps its starts, and those of turns that its commands caused (B39, B45)", () => {
    const runner = startDue();
    runner.tell({ type: "turn.started" }, completed);
    expect(runner.saved()).toHaveLength(1);
    expect(runner.tell({ type: "turn.inherited" })).toBe("idle.waiting");
    expect(runner.saved()).toHaveLength(2);
  });

  it("skips with the lane's reason where the lane refuses it (B58, B59a)", () => {
    const runner = startDue();
    expect(runner.tell({ type: "turn.refused", reason: "paused" })).toBe("idle.waiting");
    expect(runner.results).toMatchObject([{ status: "skipped", reason: "paused" }]);
    expect([...runner.live]).toEqual([]);
  });

  it("is too soon once its commands have started a turn before it, but not where it was asked for (B45)", () => {
    const runner = startDue();
    expect(runner.tell({ type: "session.occupied" }, { type: "turn.inherited" })).toBe("idle.waiting");
    expect(runner.results.at(-1)).toMatchObject({ status: "skipped", reason: "too-soon" });
    expect([...runner.live]).toEqual([]);
    const asked = startDue();
    asked.tell({ type: "session.occupied" }, { type: "heartbeat.request" });
    expect(asked.tell({ type: "turn.inherited" })).toBe("busy.pending.deferred");
    expect(asked.saved()).toHaveLength(1);
  });

  it("skips when it is turned off before it started", () => {
    const runner = startDue();
    expect(runner.tell({ type: "session.occupied" }, { type: "heartbeat.disable" })).toBe("idle.disabled");
    expect(runner.results.at(-1)).toMatchObject({ status: "skipped", reason: "disabled" });
    expect([...runner.live]).toEqual([]);
  });

  it("fails and is retried when its lane cannot be reached, without spinning for who asked by hand", () => {
    const runner = startRunner();
    runner.tell({ type: "heartbeat.request" });
    expect(runner.tell({ type: "lane.unreachable", error: "no store" })).toBe("idle.retrying");
    expect(runner.results).toMatchObject([{ status: "failed", error: "no store" }]);
  });
});

describe("a heartbeat runner whose turn runs", () => {
  it("reports the run and waits for the next time", () => {
    const runner = startRunning();
    expect(runner.tell(completed)).toBe("idle.waiting");
    expect(runner.results).toMatchObject([{ status: "ran", durationMs: 5 }]);
    expect(runner.untilDue()).toBe(hour);
  });

  it("retries a failure at most three times before the next time (B46)", () => {
    const runner = startRunning();
    const nextAt = runner.context().nextAt;
    for (let retry = 1; retry <= 3; retry += 1) {
      expect(runner.tell(failed)).toBe("idle.retrying");
      expect(runner.pass((runner.context().retryAt ?? 0) - runner.context().lookedAt)).toBe(
        "busy.pending.asking",
      );
      runner.tell({ type: "turn.started" });
    }
    expect(runner.tell(failed)).toBe("idle.waiting");
    expect(runner.results).toHaveLength(4);
    expect(runner.context().nextAt).toBe(nextAt);
    runner.pass(runner.untilDue());
    expect(runner.tell({ type: "turn.started" }, failed)).toBe("idle.retrying");
  });

  it("does not retry what is permanent", () => {
    expect(startRunning().tell({ ...failed, permanent: true })).toBe("idle.waiting");
  });

  it("runs again by hand where that was asked while it ran, and says so at once", () => {
    const runner = startRunning();
    expect(runner.tell({ type: "heartbeat.request" })).toBe("busy.running");
    expect(runner.results).toMatchObject([{ status: "deferred", reason: "session-busy" }]);
    expect(runner.tell(completed)).toBe("busy.pending.asking");
  });

  it("lets it end when turned off, and skips what was asked by hand meanwhile", () => {
    const runner = startRunning();
    runner.tell({ type: "heartbeat.request" });
    expect(runner.tell({ type: "heartbeat.disable" })).toBe("busy.running");
    expect(runner.results.at(-1)).toMatchObject({ status: "skipped", reason: "disabled" });
    expect(runner.tell(completed)).toBe("idle.disabled");
    expect(runner.results.at(-1)?.status).toBe("ran");
  });

  it("is preempted by a person's message once, keeps its schedule and is not retried (B47)", () => {
    const runner = startRunning();
    expect(runner.tell({ type: "turn.aborted", reason: "preempted" })).toBe("busy.aborting");
    expect(runner.tell(completed)).toBe("busy.aborting");
    expect(runner.tell({ type: "turn.ended" })).toBe("idle.waiting");
    expect(runner.results.map(({ status }) => status)).toEqual(["preempted"]);
    expect(runner.untilDue()).toBe(hour);
  });

  it("reports a preempted turn that never returned as preempted and nothing more", () => {
    const runner = startRunning();
    runner.tell({ type: "turn.aborted", reason: "preempted" });
    expect(runner.tell({ type: "turn.reclaimed" })).toBe("reclaimed");
    expect(runner.tell({ type: "turn.settled" })).toBe("idle.waiting");
    expect(runner.results.map(({ status }) => status)).toEqual(["preempted"]);
  });

  it("counts a reply within the grace of a time-out (B28)", () => {
    const runner = startRunning();
    expect(runner.tell({ type: "turn.aborted", reason: "timeout" })).toBe("busy.aborting");
    expect(runner.tell(completed)).toBe("idle.waiting");
    expect(runner.results.at(-1)?.status).toBe("ran");
  });

  it("is decided by an abort that follows a time-out, and by none that follows a decision", () => {
    const runner = startRunning();
    runner.tell({ type: "turn.aborted", reason: "timeout" }, { type: "turn.aborted", reason: "preempted" });
    runner.tell({ type: "turn.aborted", reason: "stalled" }, completed, { type: "turn.ended" });
    expect(runner.results.map(({ status }) => status)).toEqual(["preempted"]);
  });
});

describe("a heartbeat runner whose turn stalled", () => {
  it("is busy again when the turn makes progress", () => {
    const runner = startRunning();
    expect(runner.tell({ type: "turn.stalled" })).toBe("stalled.running");
    expect(runner.tell({ type: "turn.recovered" })).toBe("busy.running");
  });

  it("is reclaimed until the lane has settled it, and then idle with its schedule kept (B1)", () => {
    const runner = startRunning();
    runner.tell({ type: "turn.stalled" });
    expect(runner.tell({ type: "turn.aborted", reason: "stalled" })).toBe("stalled.aborting");
    expect(runner.tell({ type: "turn.recovered" })).toBe("stalled.aborting");
    expect(runner.tell({ type: "turn.reclaimed" })).toBe("reclaimed");
    expect(runner.tell(completed)).toBe("reclaimed");
    expect(runner.tell({ type: "turn.settled" })).toBe("idle.waiting");
    expect(runner.results).toMatchObject([{ status: "failed", error: "TURN_STALLED", retryAt: null }]);
    expect(runner.untilDue()).toBe(hour);
  });

  it("takes its end as any other", () => {
    const stalled = () => {
      const runner = startRunning();
      runner.tell({ type: "turn.stalled" });
      return runner;
    };
    expect(stalled().tell(completed)).toBe("idle.waiting");
    expect(stalled().tell(failed)).toBe("idle.retrying");
    expect(stalled().tell({ type: "lane.crashed", error: "bug" })).toBe("idle.retrying");
    expect(stalled().tell({ type: "turn.aborted", reason: "reset" }, { type: "turn.ended" })).toBe(
      "idle.waiting",
    );
  });
});

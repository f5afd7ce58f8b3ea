import { expect, test } from "vitest";
import type { CapacityOptions } from "../keeper/capacity-options.ts";
import type { Outcome } from "../turns/outcome.ts";
import { createFixture, type Fixture } from "./fixture.ts";

const lane = { stallAfterMs: 1_000, reclaimAfterMs: 2_000, turnTimeoutMs: 3_000, abortGraceMs: 500 };

type Stop = (fixture: Fixture) => void | Promise<unknown>;

/** Every way in which a turn is told to stop. */
const stops: Record<"stall" | "timeout" | "abort" | "interrupt" | "reset" | "close", Stop> = {
  stall: ({ clock }) => clock.advance(2_000),
  async timeout({ clock, turns }) {
    await clock.advance(1_500);
    turns[0]!.turn.progress();
    await clock.advance(1_500);
  },
  abort: ({ keeper }) => keeper.abort("a"),
  interrupt: ({ keeper }) => keeper.send("a", "now", { mode: "interrupt" }),
  reset: ({ keeper }) => void keeper.reset("a"),
  close: ({ keeper }) => void keeper.close(),
};
type Cause = keyof typeof stops;
const causes = Object.keys(stops) as Cause[];

/** A turn on "work" that was told to stop. */
async function stopped(cause: Cause, capacity?: CapacityOptions) {
  const fixture: Fixture = await createFixture({ lane, capacity });
  const work = await fixture.keeper.send("a", "work", { id: "work" });
  await fixture.clock.settle();
  await stops[cause](fixture);
  await fixture.clock.settle();
  return { ...fixture, work, held: fixture.turns[0]! };
}

const codes: Record<Cause, string> = {
  stall: "TURN_STALLED",
  timeout: "TURN_TIMEOUT",
  abort: "TURN_ABORTED",
  interrupt: "TURN_INTERRUPTED",
  reset: "TURN_RESET",
  close: "CLOSED",
};
const named: Record<Cause, string> = {
  stall: "a stall",
  timeout: "a time-out",
  abort: "an abort",
  interrupt: "an interrupt",
  reset: "a reset",
  close: "close",
};
const completed = { status: "completed", reply: "done" } as const;
const cancelled = (reason: "aborted" | "interrupted" | "reset") => ({ status: "cancelled", reason }) as const;
/** The outcome of what the turn held, by what it does within its grace. */
const ends: Record<Cause, Record<"replies" | "rejects", Partial<Outcome>>> = {
  stall: { replies: completed, rejects: { status: "reclaimed", reason: "stalled" } },
  timeout: { replies: completed, rejects: { status: "reclaimed", reason: "timeout" } },
  abort: { replies: cancelled("aborted"), rejects: cancelled("aborted") },
  interrupt: { replies: cancelled("interrupted"), rejects: cancelled("interrupted") },
  reset: { replies: cancelled("reset"), rejects: cancelled("reset") },
  close: { replies: completed, rejects: { status: "suspended" } },
};

for (const cause of causes) {
  test(`B28 from ${named[cause]} on the turn may start nothing, and nothing of it throws but what says so`, async () => {
    const { keeper, held, clock, processes, of } = await stopped(cause);
    const { turn } = held;
    const fenced = { code: "TURN_FENCED", details: { turnId: turn.id } };
    expect(turn.signal.reason).toMatchObject({ code: codes[cause] });
    for (const step of ["abort", "fence"]) {
      expect([step, turn.takeSteering()]).toEqual([step, []]);
      expect(() => turn.assertCurrent()).toThrow(expect.objectContaining({ code: "TURN_FENCED" }));
      await expect(turn.exec("true")).rejects.toMatchObject(fenced);
      await expect(turn.expectExec("job")).rejects.toMatchObject(fenced);
      await expect(turn.waiting("a human", clock.now() + 1_000, Promise.resolve())).rejects.toMatchObject(
        fenced,
      );
      turn.progress("note");
      turn.emit("token");
      await clock.advance(500);
    }
    expect(processes.started).toEqual([]);
    expect([...of("turn.emitted"), ...of("turn.progressed"), ...of("turn.waiting")]).toEqual([]);
    expect(keeper.session("a")?.turn?.id).not.toBe(turn.id);
  });

  test(`B28 within the grace of ${named[cause]} a reply means ${ends[cause].replies.status}`, async () => {
    const { work, held, clock, of } = await stopped(cause);
    await clock.advance(499);
    held.resolve("done");
    await clock.settle();
    await expect(work.outcome).resolves.toMatchObject(ends[cause].replies);
    await clock.advance(600);
    expect(of("turn.lateResult")).toEqual([]);
    expect(of("lane.reclaimed")).toEqual([]);
  });

  test(`B28 within the grace of ${named[cause]} a rejection means ${ends[cause].rejects.status}`, async () => {
    const { work, held, clock, of } = await stopped(cause);
    await clock.advance(499);
    held.reject(held.turn.signal.reason);
    await clock.settle();
    await expect(work.outcome).resolves.toMatchObject(ends[cause].rejects);
    expect(of("turn.lateResult")).toEqual([]);
    expect(of("turn.completed")).toEqual([]);
  });

  test(`B28 from the end of the grace of ${named[cause]} nothing counts`, async () => {
    const { keeper, work, held, clock, turns, of } = await stopped(cause);
    await clock.advance(500);
    await expect(work.outcome).resolves.toMatchObject(ends[cause].rejects);
    const before = [turns.length, keeper.session("a")?.turn?.id, keeper.stats().running];
    held.resolve("far too late");
    await clock.settle();
    await expect(work.outcome).resolves.toMatchObject(ends[cause].rejects);
    expect([turns.length, keeper.session("a")?.turn?.id, keeper.stats().running]).toEqual(before);
    expect(of("turn.completed")).toEqual([]);
    // A closed keeper has nobody left to tell.
    const told = cause === "close" ? [] : [{ turnId: held.turn.id }];
    expect(of("turn.lateResult")).toMatchObject(told);
  });
}

for (const cause of ["abort", "interrupt", "reset"] as const) {
  test(`B28 ${named[cause]} that comes during the grace of a stall decides the outcome, and the reply does not`, async () => {
    const { work, held, of, ...fixture } = await stopped("stall");
    await fixture.clock.advance(250);
    await stops[cause]({ ...fixture, of });
    await expect(work.outcome).resolves.toEqual(ends[cause].replies);
    expect(of("turn.aborting").map(({ reason }) => reason)).toHaveLength(2);
    held.resolve("done");
    await fixture.clock.settle();
    expect(of("turn.completed")).toEqual([]);
    await expect(work.outcome).resolves.toEqual(ends[cause].replies);
    expect(held.turn.signal.reason).toMatchObject({ code: "TURN_STALLED" });
  });

  test(`B28 the outcome that ${named[cause]} decided stays, whatever else stops the turn`, async () => {
    for (const other of ["abort", "interrupt", "reset", "close"] as const) {
      const { work, ...fixture } = await stopped(cause);
      await stops[other](fixture);
      await fixture.clock.advance(500);
      await expect(work.outcome).resolves.toEqual(ends[cause].replies);
      expect(fixture.of("turn.cancelled")).toMatchObject([{ messageIds: ["work"] }]);
      expect(fixture.of("message.cancelled").filter(({ id }) => id === "work")).toHaveLength(1);
    }
  });
}

test("B28 what comes during the grace of a stall does not move the end of the grace", async () => {
  const { keeper, clock } = await stopped("stall");
  await clock.advance(400);
  await keeper.abort("a");
  await clock.advance(100);
  expect(keeper.session("a")?.state).toBe("idle");
});

test("B28 a late rejection is one turn.lateResult, too, and no unhandled rejection", async () => {
  const { held, clock, of } = await stopped("abort");
  await clock.advance(700);
  held.reject(new Error("far too late"));
  await clock.settle();
  expect(of("turn.lateResult")).toMatchObject([{ result: "threw", lateByMs: 200 }]);
});

test("B28 a late result frees no slot, settles no outcome and starts no work", async () => {
  const { keeper, held, clock, turns } = await stopped("stall", { turns: 1 });
  const [second, third] = [await keeper.send("a", "second"), await keeper.send("b", "third")];
  await clock.advance(500);
  expect(turns).toHaveLength(2);
  held.resolve("far too late");
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ running: 1, completed: 0, zombies: 0 });
  expect(turns).toHaveLength(2);
  turns[1]!.resolve("ok");
  await clock.settle();
  turns[2]!.resolve("ok");
  for (const { outcome } of [second, third])
    await expect(outcome).resolves.toMatchObject({ status: "completed" });
});

import { createLanekeeper, type LanekeeperEvent, type Turn } from "lanekeeper";
import { scriptedProcesses } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, onTestFinished, test } from "vitest";

/**
 * openclaw/openclaw#40526: a background command finished while its session was streaming an answer. Its completion asked for
 * a heartbeat; the heartbeat's turn drained the session's events, and ended the run that was answering. The fix there
 * skipped the heartbeat for a reason that means "everything is full", so one busy session stopped every agent's heartbeat,
 * and a test that looked only at whether something had been called passed either way.
 */
const hour = 3_600_000;
const session = "agent:main:main";

async function startGateway() {
  const clock = createSimulatedClock();
  const processes = scriptedProcesses();
  const turns: { readonly turn: Turn; readonly finish: (reply: string) => void }[] = [];
  const events: LanekeeperEvent[] = [];
  const keeper = await createLanekeeper<string, string>({
    clock,
    processes,
    lane: { mode: "interrupt", stallAfterMs: 2 * hour, reclaimAfterMs: 3 * hour, turnTimeoutMs: 4 * hour },
    heartbeats: [
      { agent: "main", everyMs: hour },
      { agent: "other", everyMs: hour },
    ],
    turn: (turn) =>
      new Promise<string>((finish) => {
        turns.push({ turn, finish });
      }),
  });
  keeper.events$.subscribe((event) => events.push(event));
  onTestFinished(async () => {
    const closed = keeper.close();
    await clock.advance(60_000);
    await closed;
  });
  return { keeper, clock, processes, turns, events };
}

test("a heartbeat that comes due while the session answers takes neither the answer nor the events", async () => {
  const { keeper, clock, processes, turns, events } = await startGateway();
  const command = await keeper.exec(session, "build");
  const asked = await keeper.send(session, "what did the build say?");
  await clock.settle();
  processes.started[0]!.end(0);
  const main = keeper.heartbeat("main");
  const other = keeper.heartbeat("other");

  // The session is busy, and that alone is the reason: the other agent's heartbeat runs.
  expect(await main.request()).toEqual({ status: "deferred", reason: "session-busy" });
  const others = other.request();
  await clock.settle();
  turns.find(({ turn }) => turn.agent === "other")!.finish("all well");
  expect(await others).toMatchObject({ status: "ran" });
  await clock.advance(hour);

  const [answering] = turns;
  expect(answering!.turn.signal.aborted).toBe(false);
  expect(await keeper.mailbox(session)).toMatchObject([
    { type: "message" },
    { type: "event", id: command.execId },
  ]);
  answering!.finish("it says 42");
  expect(await asked.outcome).toMatchObject({ status: "completed", reply: "it says 42" });

  // The completion is in the very next turn, and the heartbeat comes after it, once.
  await clock.settle();
  const ofMain = turns.filter(({ turn }) => turn.sessionKey === session);
  expect(ofMain[1]!.turn).toMatchObject({ cause: "event", events: [{ id: command.execId }] });
  ofMain[1]!.finish("noted");
  await clock.settle();
  const beat = turns.at(-1)!;
  expect(beat.turn).toMatchObject({ sessionKey: session, cause: "heartbeat", events: [] });
  beat.finish("all well");
  await clock.settle();
  const told = events.flatMap((event) =>
    event.type.startsWith("heartbeat.") && "agent" in event && event.agent === "main"
      ? [{ type: event.type, reason: "reason" in event ? event.reason : undefined }]
      : [],
  );
  expect(told).toEqual([
    { type: "heartbeat.deferred", reason: "session-busy" },
    { type: "heartbeat.ran", reason: undefined },
  ]);
});

test("a message that comes while a heartbeat's turn holds the events gets them with its answer", async () => {
  const { keeper, clock, turns } = await startGateway();
  await keeper.notify(session, { kind: "reminder" }, { wake: false });
  const beat = keeper.heartbeat("main").request();
  await clock.settle();
  expect(turns[0]!.turn).toMatchObject({ cause: "heartbeat", events: [{ kind: "reminder" }] });
  const asked = await keeper.send(session, "hello");
  expect(await beat).toEqual({ status: "preempted" });
  expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_PREEMPTED" });
  turns[0]!.finish("nothing to do");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "message", events: [{ kind: "reminder" }] });
  turns[1]!.finish("hello, and you wanted to be reminded");
  expect(await asked.outcome).toMatchObject({ status: "completed", turnId: turns[1]!.turn.id });
  expect(await keeper.mailbox(session)).toEqual([]);
});

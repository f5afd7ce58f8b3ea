import {
  createLanekeeper,
  type ExecCompletion,
  type Lanekeeper,
  type LanekeeperEvent,
  type Turn,
} from "lanekeeper";
import { type ScriptedProcesses, scriptedProcesses } from "lanekeeper/ports";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { expect, onTestFinished, test } from "vitest";

/**
 * openclaw/openclaw#14191: the completion of a channel's command lay in the channel's queue while the wake looked into
 * the main one. openclaw/openclaw#40526: a completion's wake aborted the run that was answering, and took its events
 * (incidents.md, I2 and I4; B2, B8, B34–B36, B41, B42).
 */

const channel = "agent:main:discord:channel:1";
const main = "agent:main:main";

interface Scene {
  readonly keeper: Lanekeeper<string, string>;
  readonly clock: SimulatedClock;
  readonly processes: ScriptedProcesses;
  readonly events: readonly LanekeeperEvent[];
  readonly turns: readonly { readonly turn: Turn<string>; readonly reply: (text: string) => void }[];
}

async function stage(): Promise<Scene> {
  const clock = createSimulatedClock();
  const processes = scriptedProcesses();
  const turns: { turn: Turn<string>; reply: (text: string) => void }[] = [];
  const keeper = await createLanekeeper<string, string>({
    clock,
    processes,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    turn: (turn) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      turns.push({ turn, reply: resolve });
      return promise;
    },
  });
  const events: LanekeeperEvent[] = [];
  keeper.events$.subscribe((event) => events.push(event));
  onTestFinished(async () => {
    const closed = keeper.close();
    await clock.advance(15_000);
    await closed;
  });
  return { keeper, clock, processes, events, turns };
}

function completionsOf(turn: Turn<string>): readonly ExecCompletion[] {
  return turn.events
    .filter(({ kind }) => kind === "exec.completed")
    .map(({ body }) => body as ExecCompletion);
}

test("B34 B35 a command of the channel completes while the channel is busy and main is idle", async () => {
  const { keeper, clock, processes, events, turns } = await stage();
  const greeting = await keeper.send(main, "hello");
  await clock.settle();
  turns[0]!.reply("hello");
  await greeting.outcome;

  await keeper.send(channel, "build it and talk to me meanwhile");
  await clock.settle();
  const busy = turns[1]!;
  const { execId, done } = await busy.turn.exec("make", ["all"]);
  processes.started[0]!.write("built 42 targets");
  processes.started[0]!.end(0);
  await done;
  await clock.advance(60_000);

  // The busy turn is not aborted, and is not shown what is not its own.
  expect(turns).toHaveLength(2);
  expect(busy.turn.signal.aborted).toBe(false);
  expect(() => busy.turn.assertCurrent()).not.toThrow();
  expect(busy.turn.events).toEqual([]);
  // Main sees nothing.
  expect(keeper.explain(main)).toMatchObject({ blockedBy: "nothing-to-do" });
  await expect(keeper.mailbox(main)).resolves.toEqual([]);
  // The event waits where it belongs.
  await expect(keeper.mailbox(channel)).resolves.toMatchObject([
    { type: "message" },
    { id: execId, type: "event" },
  ]);

  busy.reply("building");
  await clock.settle();
  const next = turns[2]!;
  expect(next.turn).toMatchObject({ sessionKey: channel, cause: "event" });
  expect(completionsOf(next.turn)).toMatchObject([
    { execId, sessionKey: channel, command: "make all", status: "completed", output: "built 42 targets" },
  ]);
  next.reply("built");
  await clock.advance(600_000);
  expect(turns).toHaveLength(3);
  expect(events.filter(({ type }) => type === "turn.aborting")).toEqual([]);
  await expect(keeper.mailbox(channel)).resolves.toEqual([]);
});

test("B34 the host's own command for the channel comes back to the channel", async () => {
  const { keeper, clock, processes, turns } = await stage();
  const { execId } = await keeper.exec(channel, "make");
  processes.started[0]!.end(2);
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual([channel]);
  expect(completionsOf(turns[0]!.turn)).toMatchObject([{ execId, status: "failed", exitCode: 2 }]);
});

test("B35 the very next turn of the channel has the event, also when it is a person's message", async () => {
  const { keeper, clock, processes, turns } = await stage();
  await keeper.send(channel, "first");
  await clock.settle();
  const { execId } = await turns[0]!.turn.exec("make");
  await keeper.send(channel, "second");
  await keeper.send(channel, "third");
  processes.started[0]!.end(0);
  await clock.settle();
  turns[0]!.reply("one");
  await clock.settle();
  expect(turns[1]!.turn.messages.map(({ body }) => body)).toEqual(["second"]);
  expect(completionsOf(turns[1]!.turn).map((completion) => completion.execId)).toEqual([execId]);
  turns[1]!.reply("two");
  await clock.settle();
  expect(turns[2]!.turn.messages.map(({ body }) => body)).toEqual(["third"]);
  expect(completionsOf(turns[2]!.turn)).toEqual([]);
});

test("B42 a wake of the busy channel defers that session alone, and says which", async () => {
  const { keeper, clock, events, turns } = await stage();
  await keeper.send(channel, "long");
  await clock.settle();
  keeper.wake(channel, { reason: "exec-event" });
  keeper.wake(main, { reason: "interval" });
  await clock.advance(250);
  expect(turns[1]!.turn).toMatchObject({ sessionKey: main, cause: "wake", reasons: ["interval"] });
  expect(events.filter(({ type }) => type === "wake.deferred")).toMatchObject([
    { sessionKey: channel, reason: "session-busy" },
  ]);
  turns[0]!.reply("done");
  await clock.settle();
  expect(turns[2]!.turn).toMatchObject({ sessionKey: channel, reasons: ["exec-event"] });
});

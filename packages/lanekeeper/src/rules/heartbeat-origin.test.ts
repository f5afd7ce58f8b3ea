import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { answeringStore } from "./answering-store.ts";
import { createFixture } from "./fixture.ts";
import { leastGap, main, minute, startHeartbeats } from "./heartbeat-fixture.ts";

test("B39 a heartbeat whose turn runs commands whose completions run commands starts ten turns in five minutes at most", async () => {
  const starts: number[] = [];
  const { clock, untilDue } = await startHeartbeats(
    {},
    {
      turn: async (turn) => {
        starts.push(clock.now());
        await turn.exec("work");
      },
      processes: {
        start: async (_, { ended }) => {
          clock.setTimeout(() => ended(0, null), 10);
          return { pid: 1, kill: () => false };
        },
      },
    },
  );
  await untilDue();
  await clock.advance(30 * minute);
  expect(starts.length).toBeGreaterThan(50);
  for (const from of starts) {
    const within = starts.filter((at) => from <= at && at < from + 5 * minute);
    expect(within.length).toBeLessThanOrEqual(10);
  }
  expect(leastGap(starts)).toBeGreaterThanOrEqual(30_000);
});

test("B39 a completion that is held back waits until minSpacingMs after the last start, and is not lost", async () => {
  const { keeper, clock, turns, processes, of, untilDue } = await startHeartbeats({
    minSpacingMs: 2 * minute,
  });
  await untilDue();
  const one = await turns[0]!.turn.exec("one");
  await turns[0]!.turn.exec("two");
  turns[0]!.resolve("fine");
  await clock.advance(1_000);
  processes.started[0]!.end(0);
  await clock.settle();
  expect(turns).toHaveLength(1);
  expect(of("exec.held")).toMatchObject([{ execId: one.execId, reason: "heartbeat-spacing" }]);
  expect(keeper.explain(main)).toMatchObject({
    blockedBy: "nothing-to-do",
    facts: { completionsHeldMs: 119_000 },
  });
  await clock.advance(119_000);
  expect(turns[1]!.turn).toMatchObject({ cause: "event", events: [{ id: one.execId }] });
  turns[1]!.resolve("seen");
  await clock.settle();
  processes.started[1]!.end(0);
  await clock.advance(2 * minute - 1);
  expect(turns).toHaveLength(2);
  await clock.advance(1);
  expect(turns).toHaveLength(3);
});

test("B39 a completion that comes while a heartbeat's turn is opened is held back until minSpacingMs after its start", async () => {
  const store = answeringStore();
  const fixture = await startHeartbeats({ everyMs: 10 * minute, minSpacingMs: minute }, { store });
  const { clock, turns, processes, of, untilDue } = fixture;
  await untilDue();
  await turns[0]!.turn.exec("work");
  turns[0]!.resolve("fine");
  await clock.settle();
  const late: (() => void)[] = [];
  store.answerBy((step, answer) =>
    step === "waiting" ? new Promise((resolve) => late.push(() => resolve(answer))) : Promise.resolve(answer),
  );
  await clock.advance(10 * minute);
  expect(late).toHaveLength(1);
  processes.started[0]!.end(0);
  await clock.settle();
  expect(of("exec.held")).toHaveLength(1);
  store.answerBy(undefined);
  late[0]!();
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "heartbeat", events: [] });
  turns[1]!.resolve("fine");
  await clock.advance(minute - 1);
  expect(turns).toHaveLength(2);
  await clock.advance(1);
  expect(turns[2]!.turn).toMatchObject({ cause: "event" });
});

test("B39 a message's turn takes along what is held back, and its own commands are a person's", async () => {
  const { keeper, clock, turns, processes, untilDue } = await startHeartbeats();
  await untilDue();
  const held = await turns[0]!.turn.exec("one");
  turns[0]!.resolve("fine");
  await clock.settle();
  processes.started[0]!.end(0);
  await clock.settle();
  await keeper.send(main, "hello");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "message", events: [{ id: held.execId }] });
  await turns[1]!.turn.exec("two");
  turns[1]!.resolve("done");
  await clock.settle();
  processes.started[1]!.end(0);
  await clock.settle();
  expect(turns[2]!.turn.cause).toBe("event");
});

test("B39 what another turn held when its time came, and did not complete with, wakes the session then", async () => {
  const { keeper, clock, turns, processes, untilDue } = await startHeartbeats();
  await untilDue();
  const held = await turns[0]!.turn.exec("one");
  turns[0]!.resolve("fine");
  await clock.settle();
  processes.started[0]!.end(0);
  await clock.settle();
  await keeper.send(main, "hello");
  await clock.advance(31_000);
  expect(turns[1]!.turn.events).toMatchObject([{ id: held.execId }]);
  await keeper.abort(main);
  turns[1]!.resolve("too late");
  await clock.settle();
  expect(turns[2]!.turn).toMatchObject({ cause: "event", events: [{ id: held.execId }] });
});

test("B39 origin passes through any number of turns, and through announced commands", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats();
  await untilDue();
  for (const [index, execId] of ["far", "farther", "farthest"].entries()) {
    await turns[index]!.turn.expectExec(execId);
    turns[index]!.resolve("fine");
    await clock.settle();
    await keeper.reportExec({ execId, exitCode: 0 });
    await clock.advance(29_999);
    expect(turns).toHaveLength(index + 1);
    await clock.advance(1);
    expect(turns[index + 1]!.turn).toMatchObject({ cause: "event", events: [{ id: execId }] });
  }
});

test("B39 what a heartbeat's turn sends to another session is of its origin there", async () => {
  const causes: string[] = [];
  const { keeper, clock, untilDue } = await startHeartbeats(
    {},
    {
      turn: async (turn) => {
        causes.push(`${turn.sessionKey} ${turn.cause} at ${String((clock.now() / 1_000) % 3_600)}`);
        if (turn.cause === "heartbeat") await keeper.send("b", "from the heartbeat");
        else if (causes.length < 5) await turn.expectExec(`exec-${causes.length}`);
      },
    },
  );
  await untilDue();
  expect(causes).toHaveLength(2);
  await keeper.reportExec({ execId: "exec-2", exitCode: 0 });
  await clock.advance(29_999);
  expect(causes).toHaveLength(2);
  await clock.advance(1);
  expect(causes).toHaveLength(3);
});

test("B39 a person's commands wake their session at once, whatever heartbeats do", async () => {
  const { keeper, clock, turns, processes, untilDue } = await startHeartbeats();
  await untilDue();
  turns[0]!.resolve("fine");
  await clock.settle();
  await keeper.send(main, "hello");
  await clock.settle();
  await turns[1]!.turn.exec("one");
  turns[1]!.resolve("done");
  await clock.settle();
  processes.started[0]!.end(0);
  await clock.settle();
  expect(turns[2]!.turn.cause).toBe("event");
});

test("B9 with heartbeats turned off completions still arrive, a heartbeat's own included", async () => {
  const { keeper, clock, turns, control, processes, untilDue } = await startHeartbeats();
  await untilDue();
  const own = await turns[0]!.turn.exec("one");
  turns[0]!.resolve("fine");
  await control.disable();
  const persons = await keeper.exec(main, "two");
  processes.started[1]!.end(0);
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "event", events: [{ id: persons.execId }] });
  turns[1]!.resolve("seen");
  await clock.settle();
  processes.started[0]!.end(0);
  await clock.advance(30_000);
  expect(turns[2]!.turn).toMatchObject({ cause: "event", events: [{ id: own.execId }] });
});

test("B39 what an earlier keeper held back is released by the next", async () => {
  const store = memoryStore();
  const first = await startHeartbeats({}, { store });
  await first.untilDue();
  const held = await first.turns[0]!.turn.exec("one");
  first.turns[0]!.resolve("fine");
  await first.clock.settle();
  first.processes.started[0]!.end(0);
  await first.clock.settle();
  await first.keeper.close();
  const second = await createFixture({ store, clock: first.clock });
  await second.clock.advance(30_000);
  expect(second.turns[0]!.turn).toMatchObject({ cause: "event", events: [{ id: held.execId }] });
});

test("B31b a completion that was given up comes back as a person's: at once", async () => {
  const { keeper, clock, turns, processes, untilDue } = await startHeartbeats();
  await untilDue();
  await turns[0]!.turn.exec("one");
  turns[0]!.resolve("fine");
  await clock.settle();
  processes.started[0]!.end(0);
  await clock.settle();
  await keeper.reset(main);
  const [letter] = await keeper.deadLetters();
  await keeper.redrive(letter!.id);
  await clock.settle();
  expect(turns[1]!.turn.cause).toBe("event");
});

/** A heartbeat is due while a message's turn runs and the completion of its own command waits. */
async function waitingBehindItsCommand() {
  const fixture = await startHeartbeats({ everyMs: 5 * minute, minSpacingMs: 2 * minute });
  const { keeper, clock, turns, processes, untilDue } = fixture;
  await untilDue();
  await turns[0]!.turn.exec("one");
  turns[0]!.resolve("fine");
  await clock.settle();
  await keeper.send(main, "long");
  await clock.advance(3 * minute);
  processes.started[0]!.end(0);
  await untilDue();
  return fixture;
}

test("B45 a heartbeat that waits is too soon once its command's completion has started a turn", async () => {
  const { clock, turns, told, untilDue } = await waitingBehindItsCommand();
  turns[1]!.resolve("done");
  await clock.settle();
  expect(turns[2]!.turn).toMatchObject({ cause: "event", events: [{ kind: "exec.completed" }] });
  turns[2]!.resolve("seen");
  await clock.settle();
  expect(turns).toHaveLength(3);
  expect(told().slice(-2)).toEqual(["deferred: session-busy", "skipped: too-soon"]);
  await untilDue();
  expect(turns[3]!.turn.cause).toBe("heartbeat");
});

test("B45 one that was asked for by hand and waits starts all the same", async () => {
  const { clock, control, turns } = await waitingBehindItsCommand();
  await control.request();
  turns[1]!.resolve("done");
  await clock.settle();
  turns[2]!.resolve("seen");
  await clock.settle();
  expect(turns[3]!.turn.cause).toBe("heartbeat");
});

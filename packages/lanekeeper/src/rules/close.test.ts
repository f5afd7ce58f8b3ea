import { expect, test } from "vitest";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { memoryStore } from "../store/memory-store.ts";
import { scriptedProcesses } from "../commands/scripted-processes.ts";
import { failingStore } from "./failing-store.ts";
import { bodies, createFixture, deferred } from "./fixture.ts";

const closed = { code: "CLOSED" };

test.each<[string, (keeper: Lanekeeper) => unknown]>([
  ["send", (keeper) => keeper.send("a", 1)],
  ["notify", (keeper) => keeper.notify("a", { kind: "note" })],
  ["attach", (keeper) => keeper.attach("a", "id")],
  ["wake", async (keeper) => keeper.wake("a")],
  ["exec", (keeper) => keeper.exec("a", "build")],
  ["expectExec", (keeper) => keeper.expectExec("a", "job-1")],
  ["reportExec", (keeper) => keeper.reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0 })],
  ["sessions", (keeper) => keeper.sessions()],
  ["mailbox", (keeper) => keeper.mailbox("a")],
  ["deadLetters", (keeper) => keeper.deadLetters()],
  ["clear", (keeper) => keeper.clear("a")],
  ["reset", (keeper) => keeper.reset("a")],
  ["abort", (keeper) => keeper.abort("a")],
  ["pause", (keeper) => keeper.pause()],
  ["pause of a session", (keeper) => keeper.pause("a")],
  ["resume", (keeper) => keeper.resume()],
  ["setCapacity", async (keeper) => keeper.setCapacity({ turns: 1 })],
  ["drain", (keeper) => keeper.drain()],
])("B58 after close %s is refused with CLOSED", async (_, call) => {
  const { keeper, processes } = await createFixture();
  const closing = keeper.close();
  await expect(call(keeper)).rejects.toMatchObject(closed);
  await closing;
  await expect(call(keeper)).rejects.toMatchObject(closed);
  expect(processes.started).toEqual([]);
});

test("B58 wake and setCapacity throw CLOSED, they do not reject", async () => {
  const { keeper } = await createFixture();
  await keeper.close();
  expect(() => keeper.wake("a")).toThrow(expect.objectContaining(closed));
  expect(() => keeper.setCapacity({ turns: 1 })).toThrow(expect.objectContaining(closed));
});

test("B58 after close stats, session and explain still answer, and the events are complete", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "work");
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.settle();
  await keeper.close();
  expect(keeper.stats()).toMatchObject({ health: "closed", running: 0, live: 0, completed: 1 });
  expect(keeper.session("a")).toBeUndefined();
  expect(keeper.explain("a")).toMatchObject({ runnable: false, blockedBy: "closed" });
  expect(of("health.changed").at(-1)).toMatchObject({ health: "closed" });
  let isComplete = false;
  keeper.events$.subscribe({ complete: () => (isComplete = true) });
  expect(isComplete).toBe(true);
});

test("B58 a second close returns the same promise, and so does disposal", async () => {
  const { keeper } = await createFixture();
  const first = keeper.close();
  expect(keeper.close()).toBe(first);
  expect(keeper[Symbol.asyncDispose]()).toBe(first);
  await first;
  expect(keeper.close()).toBe(first);
});

test("B58 close aborts running turns at once, and a reply within the grace completes normally", async () => {
  const { keeper, clock, turns } = await createFixture();
  const receipt = await keeper.send("a", "work");
  await clock.settle();
  let isClosed = false;
  const closing = keeper.close().then(() => (isClosed = true));
  await clock.settle();
  expect(turns[0]!.turn.signal.reason).toMatchObject(closed);
  await clock.advance(14_000);
  expect(isClosed).toBe(false);
  turns[0]!.resolve("made it");
  await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "made it" });
  await closing;
});

test("B58 close waits at most abortGraceMs for a turn, then fences it and suspends its work", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { abortGraceMs: 2_000 } });
  const receipt = await keeper.send("a", "phantom");
  await clock.settle();
  let isClosed = false;
  const closing = keeper.close().then(() => (isClosed = true));
  await clock.advance(1_999);
  expect(isClosed).toBe(false);
  await clock.advance(1);
  await closing;
  await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
  await expect(receipt.reply()).rejects.toMatchObject(closed);
  turns[0]!.resolve("late");
  await clock.settle();
  await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
});

test("B58 close hands a turn that rejects within the grace back to the store, its attempt not counted", async () => {
  const store = memoryStore();
  const { keeper, clock, turns } = await createFixture({ store });
  const receipt = await keeper.send("a", "work", { id: "work" });
  await clock.settle();
  const closing = keeper.close();
  await clock.settle();
  turns[0]!.reject(turns[0]!.turn.signal.reason);
  await closing;
  await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
  const later = await createFixture({ store, clock });
  await expect(later.keeper.mailbox("a")).resolves.toMatchObject([{ id: "work", attempts: 0 }]);
  await expect(later.keeper.deadLetters()).resolves.toEqual([]);
});

test("B58 close suspends everything unfinished: waiting, backing off, paused, stalled", async () => {
  const store = memoryStore();
  const { keeper, clock, turns } = await createFixture({ store, capacity: { turns: 2 } });
  const send = (sessionKey: string) => keeper.send(sessionKey, sessionKey, { id: sessionKey });
  await keeper.pause("paused");
  const receipts = [await send("failing"), await send("stalled")];
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  receipts.push(await send("running"), await send("waiting"), await send("paused"));
  receipts.push(await keeper.notify("quiet", { kind: "note" }, { id: "quiet", wake: false }));
  await clock.advance(100);
  expect(turns.map(({ turn }) => bodies(turn))).toEqual([["failing"], ["stalled"], ["running"]]);
  const closing = keeper.close();
  await clock.advance(15_000);
  await closing;
  for (const receipt of receipts) await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
  const later = await createFixture({ store, clock });
  for (const { sessionKey } of receipts) {
    await expect(later.keeper.mailbox(sessionKey)).resolves.toMatchObject([{ id: sessionKey }]);
  }
});

test("B58 close settles every promise that was handed out", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  const running = await keeper.send("a", "phantom");
  const waiting = await keeper.send("b", "waiting");
  await clock.settle();
  const execution = await keeper.exec("c", "serve");
  const handedOut = [
    running.outcome,
    waiting.outcome,
    running.reply(),
    execution.done,
    keeper.drain(),
    keeper.reset("a"),
    keeper.abort("b"),
  ].map((promise) => Promise.resolve(promise).catch((error: unknown) => error));
  await clock.settle();
  const closing = keeper.close();
  await clock.advance(15_000);
  await closing;
  expect(await Promise.all(handedOut)).toHaveLength(7);
  expect(turns).toHaveLength(1);
});

test("B58 close leaves no timer", async () => {
  const { keeper, clock } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("a", "phantom");
  await keeper.send("b", "blocked");
  await keeper.expectExec("c", "job-1");
  await keeper.exec("c", "serve");
  keeper.wake("d", { coalesceMs: 60_000 });
  await clock.advance(130_000);
  expect(clock.nextTimerInMs()).toBeDefined();
  const closing = keeper.close();
  await clock.advance(15_000);
  await closing;
  expect(clock.nextTimerInMs()).toBeUndefined();
});

test("B58 close ends commands at once: SIGTERM, and SIGKILL after their grace", async () => {
  const processes = scriptedProcesses({ obeys: ["SIGKILL"] });
  const { keeper, clock } = await createFixture({ processes });
  await keeper.exec("a", "serve", [], { killGraceMs: 3_000 });
  let isClosed = false;
  const closing = keeper.close().then(() => (isClosed = true));
  await clock.settle();
  expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
  await clock.advance(2_999);
  expect(isClosed).toBe(false);
  await clock.advance(1);
  expect(processes.started[0]!.signals).toEqual(["SIGTERM", "SIGKILL"]);
  await closing;
});

test("B58 a background command ended by close is recorded as killed, for its session at the next start", async () => {
  const store = memoryStore();
  const { keeper, clock, of } = await createFixture({ store });
  const { execId, done } = await keeper.exec("a", "serve");
  await keeper.close();
  await expect(done).resolves.toMatchObject({ status: "killed" });
  expect(of("exec.routed")).toMatchObject([{ sessionKey: "a", execId }]);
  const later = await createFixture({ store, clock });
  await expect(later.keeper.mailbox("a")).resolves.toMatchObject([{ id: execId, type: "event" }]);
  await expect(later.keeper.reportExec({ execId, exitCode: 0 })).resolves.toMatchObject({
    reason: "duplicate",
  });
});

test("B58 a command that is being started when the keeper closes is ended too", async () => {
  const { keeper, clock, processes } = await createFixture();
  const starting = keeper.exec("a", "serve").catch((error: unknown) => error);
  const closing = keeper.close();
  await clock.settle();
  await closing;
  await starting;
  for (const { signals } of processes.started) expect(signals).toEqual(["SIGTERM"]);
});

test("B58 a process that not even SIGKILL ends does not hold the close for ever", async () => {
  const { keeper, clock } = await createFixture({ processes: scriptedProcesses({ obeys: [] }) });
  const { done } = await keeper.exec("a", "wedged");
  const closing = keeper.close();
  await clock.advance(60_000);
  await closing;
  await expect(done).resolves.toMatchObject({ status: "lost" });
});

test("B58 close after a drain, and while turns that were aborted have their grace", async () => {
  const { keeper, clock, turns } = await createFixture();
  const receipt = await keeper.send("a", "work");
  await clock.settle();
  await keeper.abort("a");
  await keeper.drain({ timeoutMs: 0 });
  const closing = keeper.close();
  await clock.settle();
  turns[0]!.reject(new Error("stopped"));
  await closing;
  await expect(receipt.outcome).resolves.toEqual({ status: "cancelled", reason: "aborted" });
});

test("B58 close gives the store back, so that the next keeper opens it", async () => {
  const store = memoryStore();
  const first = await createFixture({ store });
  await first.keeper.close();
  const second = await createFixture({ store });
  await expect(second.keeper.send("a", 1)).resolves.toMatchObject({ sessionKey: "a" });
});

test("B58 a turn that starts while the keeper closes is aborted, not forgotten", async () => {
  const started = deferred<void>();
  const { keeper, clock } = await createFixture({
    turn: (turn) => {
      started.resolve();
      return new Promise((resolve) => turn.signal.addEventListener("abort", () => resolve("heard")));
    },
  });
  const receipt = await keeper.send("a", "work");
  const closing = keeper.close();
  await clock.advance(15_000);
  await closing;
  const outcome = await receipt.outcome;
  expect(["completed", "suspended"]).toContain(outcome.status);
});

test.each(["rejects", "hangs"] as const)(
  "B58 a store that %s holds the close no longer than its own deadline after the graces",
  async (fault) => {
    const store = failingStore();
    const { keeper, clock, turns } = await createFixture({ store });
    const { done } = await keeper.exec("a", "serve");
    const receipt = await keeper.send("b", "work");
    await clock.settle();
    store.fail(["completeExecution", "settleTurn"], fault);
    turns[0]!.resolve("done");
    const closing = keeper.close();
    await clock.advance(50_000);
    await closing;
    await expect(done).resolves.toMatchObject({ status: "killed" });
    await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
    expect(clock.nextTimerInMs()).toBeUndefined();
  },
);

test("B58 close settles calls that a hanging store has not answered, by its deadline", async () => {
  const store = failingStore();
  const { keeper, clock } = await createFixture({ store });
  store.fail(
    [
      "append",
      "page",
      "withdraw",
      "pause",
      "execution",
      "recordExecution",
      "find",
      "unfinished",
      "deadLetters",
    ],
    "hangs",
  );
  const calls = [
    keeper.send("a", 1),
    keeper.notify("a", { kind: "note" }),
    keeper.attach("a", "id"),
    keeper.exec("a", "build"),
    keeper.expectExec("a", "job-1"),
    keeper.reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0 }),
    keeper.sessions(),
    keeper.mailbox("a"),
    keeper.deadLetters(),
    keeper.clear("a"),
    keeper.pause("a"),
  ].map((call) => call.then(String, (error: { readonly code: string }) => error.code));
  const closing = keeper.close();
  await clock.advance(30_000);
  await closing;
  expect(new Set(await Promise.all(calls))).toEqual(new Set(["STORE_UNAVAILABLE"]));
});

test("B58 close waits for a store that is slow to accept: the message is in it", async () => {
  const store = memoryStore();
  const gate = deferred<void>();
  const { keeper, clock } = await createFixture({
    store: {
      ...store,
      async open(host) {
        const mailboxes = await store.open(host);
        return { ...mailboxes, append: (...given) => gate.promise.then(() => mailboxes.append(...given)) };
      },
    },
  });
  const sent = keeper.send("a", 1, { id: "one" });
  let isClosed = false;
  const closing = keeper.close().then(() => (isClosed = true));
  await clock.advance(10_000);
  expect(isClosed).toBe(false);
  gate.resolve();
  const receipt = await sent;
  await closing;
  await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
  const later = await createFixture({ store, clock });
  await expect(later.keeper.mailbox("a")).resolves.toMatchObject([{ id: "one" }]);
});

test("B58 close ends by the store's deadline also where that never answers and is asked again and again", async () => {
  const store = failingStore();
  const { keeper, clock } = await createFixture({ store });
  store.fail(["append", "unfinished"], "hangs");
  const codeOf = (error: { readonly code: string }): string => error.code;
  const first = keeper.send("a", 1).then(String, codeOf);
  await clock.advance(15_000);
  const second = keeper.send("b", 1).then(String, codeOf);
  await clock.advance(35_000);
  expect(await Promise.all([first, second])).toEqual(["STORE_UNAVAILABLE", "STORE_UNAVAILABLE"]);
  let isClosed = false;
  void keeper.close().then(() => (isClosed = true));
  await clock.advance(30_000);
  expect(isClosed).toBe(true);
  expect(clock.nextTimerInMs()).toBeUndefined();
});

test("B58 close settles a call that asks a store again while it closes, and is not answered", async () => {
  const store = memoryStore();
  const gate = deferred<void>();
  const { keeper, clock } = await createFixture({
    store: {
      ...store,
      async open(host) {
        const mailboxes = await store.open(host);
        return {
          ...mailboxes,
          execution: (execId) => gate.promise.then(() => mailboxes.execution(execId)),
          completeExecution: () => new Promise(() => {}),
        };
      },
    },
  });
  await keeper.expectExec("a", "job-1");
  const reported = keeper
    .reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0 })
    .then(String, (error: { readonly code: string }) => error.code);
  const closing = keeper.close();
  await clock.advance(29_000);
  gate.resolve();
  await clock.advance(1_000);
  await closing;
  expect(await Promise.race([reported, clock.advance(60_000)])).toBe("STORE_UNAVAILABLE");
});

import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, Store } from "../store/store.ts";
import { answeringStore, inMicrotask } from "./answering-store.ts";
import { createFixture, deferred } from "./fixture.ts";
import { ran } from "./ran.ts";

/** A keeper whose store answers soon, but for an answer that is held back. */
async function holding(options: Parameters<typeof createFixture>[0] = {}) {
  const store = answeringStore(inMicrotask);
  const fixture = await createFixture({ store, ...options });
  /** Holds back the answer to the next step of that name; the function lets it come. */
  const holdBack = (held: keyof Mailboxes): (() => Promise<void>) => {
    const { promise, resolve } = deferred<void>();
    store.answerBy(async (step, answer) => {
      if (step !== held) return answer;
      store.answerBy(inMicrotask);
      await promise;
      return answer;
    });
    return async () => {
      resolve();
      await fixture.clock.settle();
    };
  };
  return { ...fixture, holdBack };
}

/** The outcome, if there is one. */
async function outcomeOf({ outcome }: { readonly outcome: Promise<unknown> }): Promise<unknown> {
  return Promise.race([outcome, new Promise((resolve) => setImmediate(resolve))]);
}

test("B33 a message that ends before its acceptance is answered has its outcome", async () => {
  const { keeper, clock, turns, holdBack } = await holding();
  const answer = holdBack("append");
  const sending = keeper.send("a", "first");
  await keeper.send("a", "second");
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.settle();
  expect(ran(turns)).toEqual([["first"], ["second"]]);
  await answer();
  await expect(outcomeOf(await sending)).resolves.toMatchObject({ status: "completed", reply: "done" });
});

test("B33 a message that is withdrawn before its acceptance is answered has its outcome, and runs in no turn", async () => {
  const { keeper, clock, turns, holdBack } = await holding();
  const answer = holdBack("append");
  const sending = keeper.send("a", "first");
  await keeper.clear("a");
  await answer();
  await expect(outcomeOf(await sending)).resolves.toEqual({ status: "cancelled", reason: "cleared" });
  await clock.settle();
  expect(ran(turns)).toEqual([]);
});

test("B33 a completion that ends before its acceptance is answered has its outcome", async () => {
  const { keeper, clock, turns, holdBack } = await holding();
  const answer = holdBack("completeExecution");
  const reporting = keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 });
  await keeper.send("a", "first");
  await clock.settle();
  expect(turns[0]!.turn.events).toMatchObject([{ id: "job" }]);
  turns[0]!.resolve("seen");
  await clock.settle();
  await answer();
  const result = await reporting;
  if (!result.routed) throw new Error("not routed");
  await expect(outcomeOf(result.receipt)).resolves.toMatchObject({ status: "completed", reply: "seen" });
});

test("B23 work that ends before attach(), or a duplicate, is answered has its outcome", async () => {
  for (const step of ["find", "append"] as const) {
    const { keeper, clock, turns, holdBack } = await holding();
    await keeper.send("a", "work", { id: "work" });
    await clock.settle();
    const answer = holdBack(step);
    const asked = step === "find" ? keeper.attach("a", "work") : keeper.send("a", "again", { id: "work" });
    turns[0]!.resolve("done");
    await clock.settle();
    await answer();
    await expect(outcomeOf((await asked)!)).resolves.toMatchObject({ status: "completed", reply: "done" });
  }
});

test("B19 steering that is withdrawn before its acceptance is answered is taken by no turn", async () => {
  const { keeper, clock, turns, holdBack } = await holding();
  await keeper.send("a", "work");
  await clock.settle();
  const answer = holdBack("append");
  const sending = keeper.send("a", "steering", { mode: "steer" });
  await expect(keeper.clear("a")).resolves.toBe(1);
  await answer();
  await sending;
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
});

test("B19 steering that was released before its acceptance is answered runs once, and steers no other turn", async () => {
  const { keeper, clock, turns, of, holdBack } = await holding();
  await keeper.notify("a", { kind: "build" });
  await clock.settle();
  const answer = holdBack("append");
  const sending = keeper.send("a", "steering", { mode: "steer" });
  await keeper.send("a", "now", { mode: "interrupt" });
  await clock.settle();
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  await answer();
  await sending;
  expect(turns[1]!.turn.takeSteering()).toEqual([]);
  turns[1]!.resolve("ok");
  await clock.settle();
  turns[2]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([[], ["now"], ["steering"]]);
  expect(of("turn.completed").map(({ messageIds }) => messageIds)).toHaveLength(2);
});

test("B19 steering whose turn is tried again before its acceptance is answered is offered to the retry, once", async () => {
  const { keeper, clock, turns, holdBack } = await holding();
  await keeper.send("a", "work");
  await clock.settle();
  const answer = holdBack("append");
  const sending = keeper.send("a", "steering", { mode: "steer", id: "steering" });
  turns[0]!.reject(new Error("model down"));
  await clock.advance(500);
  expect(turns[1]!.turn.takeSteering()).toMatchObject([{ id: "steering" }]);
  await answer();
  expect(turns[1]!.turn.takeSteering()).toEqual([]);
  turns[1]!.resolve("done");
  await expect(outcomeOf(await sending)).resolves.toMatchObject({ status: "completed", reply: "done" });
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
});

test("B9 work that is withdrawn before its turn opens starts no turn, and its slot is free again", async () => {
  for (const step of ["waiting", "openTurn"] as const) {
    const { keeper, clock, turns, holdBack } = await holding({ capacity: { turns: 1 } });
    const answer = holdBack(step);
    const receipt = await keeper.send("a", "work");
    await clock.settle();
    await expect(receipt.cancel()).resolves.toBe(step === "waiting");
    await answer();
    expect(turns.map(({ turn }) => turn.cause)).toEqual(step === "waiting" ? [] : ["message"]);
    expect(keeper.stats().running).toBe(turns.length);
    expect(keeper.explain("a").blockedBy).toBe(step === "waiting" ? "nothing-to-do" : "running");
  }
});

test("B59a of pauses and resumes the one that was asked for last counts, whichever is answered first", async () => {
  const { keeper, clock, turns, holdBack } = await holding();
  const answer = holdBack("pause");
  const pausing = keeper.pause("a");
  await keeper.resume("a");
  await answer();
  await pausing;
  await keeper.send("a", "runs");
  await clock.settle();
  expect(ran(turns)).toEqual([["runs"]]);
});

test("B43 of turning heartbeats on and off the one that was asked for last counts, whichever is answered first", async () => {
  const { keeper, holdBack } = await holding({ heartbeats: [{ agent: "main", everyMs: 60_000 }] });
  const control = keeper.heartbeat("main");
  const answer = holdBack("recordHeartbeat");
  const disabling = control.disable();
  await control.enable();
  await answer();
  await disabling;
  expect(control.inspect().detail).toBe("idle.waiting");
});

test("B33 a message has its outcome where the answer to its withdrawal is lost, and its acceptance is answered later", async () => {
  const store = answeringStore(inMicrotask);
  const { keeper, clock, turns } = await createFixture({ store });
  const { promise, resolve } = deferred<void>();
  store.answerBy(async (step, answer) => {
    if (step === "append") await promise;
    if (step === "withdraw") throw new Error("the answer is lost");
    return answer;
  });
  const sending = keeper.send("a", "first");
  await expect(keeper.clear("a")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  store.answerBy(inMicrotask);
  await clock.advance(10_000);
  resolve();
  const receipt = await sending;
  expect(await outcomeOf(receipt)).toBe(undefined);
  await clock.advance(1_000);
  expect(await outcomeOf(receipt)).toEqual({ status: "cancelled", reason: "cleared" });
  expect(turns).toEqual([]);
});

test("B33 what a reset ended has its outcome, however late the store does it", async () => {
  const { promise, resolve: doIt } = deferred<void>();
  const inner = memoryStore();
  const store: Store = {
    leases: inner.leases,
    close: () => inner.close(),
    async open(host) {
      const mailboxes = await inner.open(host);
      const restart: Mailboxes["restart"] = async (request) => {
        await promise;
        return mailboxes.restart(request);
      };
      return new Proxy(mailboxes, {
        get: (target, step) => (step === "restart" ? restart : (Reflect.get(target, step) as unknown)),
      });
    },
  };
  const retry = { attempts: 3, baseMs: 600_000, maxMs: 600_000 };
  const { keeper, clock, turns } = await createFixture({ store, lane: { retry } });
  const receipt = await keeper.send("a", "fails");
  await clock.settle();
  turns[0]!.reject(new Error("this time"));
  await clock.settle();
  const refused = keeper.reset("a").catch((error: unknown) => error);
  await clock.advance(30_000);
  expect(await refused).toMatchObject({ code: "STORE_UNAVAILABLE" });
  await clock.advance(10_000);
  expect(await outcomeOf(receipt)).toBe(undefined);
  doIt();
  await clock.advance(2_000);
  expect(await outcomeOf(receipt)).toEqual({ status: "cancelled", reason: "reset" });
});

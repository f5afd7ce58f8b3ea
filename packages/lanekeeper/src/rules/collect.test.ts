import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import type { LaneSettings } from "../lanes/lane-options.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { Receipt } from "../turns/receipt.ts";
import { bodies, createFixture } from "./fixture.ts";
import { ran } from "./ran.ts";

const lane: LaneSettings = { mode: "collect", debounceMs: 500, debounceMaxMs: 2_000, cap: 100 };

async function sendAll(keeper: Lanekeeper, messages: readonly unknown[]): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = [];
  for (const message of messages) receipts.push(await keeper.send("a", message));
  return receipts;
}

test("B18 runs the waiting collect messages as one turn, in order, after debounceMs of quiet", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.send("a", 1);
  await clock.advance(300);
  await keeper.send("a", 2);
  await keeper.send("a", 3);
  await clock.advance(499);
  expect(ran(turns)).toEqual([]);
  await clock.advance(1);
  expect(ran(turns)).toEqual([[1, 2, 3]]);
  expect(turns[0]!.turn).toMatchObject({ cause: "message", attempt: 1, events: [] });
});

test("B18 completes each message of a batch with the turn's reply", async () => {
  const { keeper, clock, turns, of } = await createFixture({ lane });
  const receipts = await sendAll(keeper, [1, 2]);
  await clock.advance(500);
  turns[0]!.resolve("both");
  await clock.settle();
  const { id: turnId } = turns[0]!.turn;
  for (const receipt of receipts) {
    const completed = { status: "completed", turnId, reply: "both", attempts: 1 };
    await expect(receipt.outcome).resolves.toEqual(completed);
  }
  expect(of("turn.completed")).toMatchObject([{ messageIds: receipts.map(({ id }) => id) }]);
});

test("B18 runs a single collect message after its quiet, and with debounceMs 0 at once", async () => {
  const { keeper, clock, turns } = await createFixture({
    lane,
    laneFor: (sessionKey) => (sessionKey === "b" ? { debounceMs: 0 } : undefined),
  });
  await keeper.send("a", "alone");
  await keeper.send("b", "at once");
  await clock.settle();
  expect(ran(turns)).toEqual([["at once"]]);
  await clock.advance(500);
  expect(ran(turns)).toEqual([["at once"], ["alone"]]);
});

test("B18 a message that comes while its lane is given a slot for something else has its quiet all the same", async () => {
  const { keeper, clock, turns } = await createFixture({ lane, capacity: { turns: 1 } });
  await keeper.send("b", "long", { mode: "followup" });
  await clock.settle();
  await keeper.notify("a", { kind: "waits" });
  await clock.settle();
  keeper.setCapacity({ turns: 2 });
  await keeper.send("a", 1);
  await clock.advance(300);
  await keeper.send("a", 2);
  await clock.advance(499);
  expect(ran(turns)).toEqual([["long"]]);
  await clock.advance(1);
  expect(ran(turns)).toEqual([["long"], [1, 2]]);
  expect(turns[1]!.turn.events).toMatchObject([{ kind: "waits" }]);
});

test("B18 waits debounceMaxMs after the first at most, however busy the traffic", async () => {
  const { keeper, clock, turns, of } = await createFixture({ lane });
  for (let sent = 0; sent < 30; sent++) {
    await keeper.send("a", sent);
    await clock.advance(100);
  }
  expect(turns).toHaveLength(1);
  expect(of("turn.started")[0]!.at - turns[0]!.turn.messages[0]!.acceptedAt).toBe(2_000);
  expect(turns[0]!.turn.messages).toHaveLength(20);
});

test("B18 runs a batch as soon as cap messages wait", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { ...lane, cap: 3 } });
  await sendAll(keeper, [1, 2]);
  await clock.settle();
  expect(ran(turns)).toEqual([]);
  await keeper.send("a", 3);
  await clock.settle();
  expect(ran(turns)).toEqual([[1, 2, 3]]);
});

test("B18 what comes once the turn has started is a batch of its own", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await sendAll(keeper, [1, 2]);
  await clock.advance(500);
  await sendAll(keeper, [3, 4]);
  turns[0]!.resolve("ok");
  await clock.advance(499);
  expect(turns).toHaveLength(1);
  await clock.advance(1);
  expect(bodies(turns[1]!.turn)).toEqual([3, 4]);
});

test("B18 counts quiet while another turn runs", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.send("a", "running", { mode: "followup" });
  await clock.settle();
  await sendAll(keeper, [1, 2]);
  await clock.advance(200);
  turns[0]!.resolve("ok");
  await clock.advance(299);
  expect(keeper.explain("a")).toMatchObject({ blockedBy: "debounce", facts: { quietInMs: 1 } });
  await clock.advance(1);
  expect(bodies(turns[1]!.turn)).toEqual([1, 2]);
  await keeper.send("a", 3);
  await clock.advance(10_000);
  turns[1]!.resolve("ok");
  await clock.settle();
  expect(bodies(turns[2]!.turn)).toEqual([3]);
});

test("B18 counts debounceMaxMs while another turn runs", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.send("a", "running", { mode: "followup" });
  await clock.settle();
  for (let sent = 0; sent < 21; sent++) {
    await keeper.send("a", sent);
    await clock.advance(100);
  }
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(turns[1]!.turn.messages).toHaveLength(21);
});

test("B18 a batch is what is adjacent: another mode between splits it, and order stays", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await sendAll(keeper, [1, 2]);
  await keeper.send("a", "between", { mode: "followup" });
  await sendAll(keeper, [3, 4]);
  await clock.advance(500);
  turns[0]!.resolve("ok");
  await clock.settle();
  turns[1]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([[1, 2], ["between"], [3, 4]]);
});

test("B18 a message of another mode at the head waits for no quiet", async () => {
  const { keeper, clock, turns } = await createFixture({ lane, capacity: { turns: 1 } });
  await keeper.send("other", "holds the slot", { mode: "followup" });
  await clock.settle();
  await keeper.send("a", "first", { mode: "followup" });
  await keeper.send("a", "collected");
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["first"]);
  turns[1]!.resolve("ok");
  await clock.advance(500);
  expect(bodies(turns[2]!.turn)).toEqual(["collected"]);
});

test("B18 events wait with a batch that debounces, and go to its turn", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.send("a", 1);
  const event = await keeper.notify("a", { kind: "build" });
  await keeper.notify("a", { kind: "quiet" }, { wake: false });
  await keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 });
  await clock.advance(400);
  await keeper.send("a", 2);
  await clock.advance(499);
  expect(ran(turns)).toEqual([]);
  expect(keeper.session("a")).toMatchObject({ detail: "busy.debouncing", waiting: 2, events: 3 });
  await clock.advance(1);
  expect(turns).toHaveLength(1);
  expect(bodies(turns[0]!.turn)).toEqual([1, 2]);
  expect(turns[0]!.turn.events.map(({ kind }) => kind)).toEqual(["build", "quiet", "exec.completed"]);
  turns[0]!.resolve("ok");
  await expect(event.outcome).resolves.toMatchObject({ status: "completed" });
});

test("B18 events alone wait for no quiet", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.notify("a", { kind: "build" });
  await clock.settle();
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["event"]);
});

test("B18 a wake that is due while a batch debounces is satisfied by the batch's turn", async () => {
  const { keeper, clock, turns, of } = await createFixture({ lane });
  await keeper.send("a", 1);
  keeper.wake("a", { coalesceMs: 0, reason: "look" });
  await clock.advance(499);
  expect(ran(turns)).toEqual([]);
  expect(of("wake.deferred")).toMatchObject([{ sessionKey: "a", reason: "session-busy" }]);
  await clock.advance(1);
  expect(turns[0]!.turn).toMatchObject({ cause: "message", reasons: ["look"] });
  turns[0]!.resolve("ok");
  await clock.advance(10_000);
  expect(turns).toHaveLength(1);
});

test("B18 a batch that is tried again stays as it was: what came later is a batch of its own", async () => {
  const { keeper, clock, turns, of } = await createFixture({ lane });
  const receipts = await sendAll(keeper, [1, 2]);
  await clock.advance(500);
  const later = await keeper.send("a", 3);
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await keeper.send("a", 4);
  expect(keeper.explain("a").blockedBy).toBe("backoff");
  await clock.advance(500);
  expect(bodies(turns[1]!.turn)).toEqual([1, 2]);
  expect(turns[1]!.turn.attempt).toBe(2);
  turns[1]!.resolve("ok");
  await clock.advance(500);
  expect(bodies(turns[2]!.turn)).toEqual([3, 4]);
  turns[2]!.resolve("later");
  for (const { outcome } of receipts) await expect(outcome).resolves.toMatchObject({ attempts: 2 });
  await expect(later.outcome).resolves.toMatchObject({ reply: "later", attempts: 1 });
  expect(of("turn.retrying")).toMatchObject([{ messageIds: receipts.map(({ id }) => id) }]);
});

test("B18 a batch that is given up fails each of its messages, and the next batch runs", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { ...lane, retry: { attempts: 1 } } });
  const receipts = await sendAll(keeper, [1, 2]);
  await clock.advance(500);
  await keeper.send("a", 3);
  turns[0]!.reject(new Error("model down"));
  await clock.advance(500);
  for (const { outcome } of receipts) await expect(outcome).resolves.toMatchObject({ status: "failed" });
  await expect(keeper.deadLetters()).resolves.toHaveLength(2);
  expect(bodies(turns[1]!.turn)).toEqual([3]);
});

test("B18 messages that come while a quiet batch waits for capacity join it", async () => {
  const { keeper, clock, turns } = await createFixture({ lane, capacity: { turns: 1 } });
  await keeper.send("other", "holds the slot", { mode: "followup" });
  await keeper.send("a", 1);
  await clock.advance(600);
  expect(keeper.explain("a").blockedBy).toBe("capacity");
  await keeper.send("a", 2);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual([1, 2]);
});

test("B18 quiet runs out while paused, and the batch starts when resumed", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.send("a", 1);
  await keeper.pause("a");
  await clock.advance(1_000);
  expect(keeper.explain("a").blockedBy).toBe("paused");
  await keeper.resume("a");
  await clock.settle();
  expect(bodies(turns[0]!.turn)).toEqual([1]);
});

test("B18 a message withdrawn while its batch debounces is not in its turn, and the others are", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  const [first, second] = await sendAll(keeper, [1, 2, 3]);
  await clock.advance(100);
  await expect(first!.cancel()).resolves.toBe(true);
  await expect(second!.cancel()).resolves.toBe(true);
  await clock.advance(400);
  expect(ran(turns)).toEqual([[3]]);
});

test("B18 a lane whose whole batch is withdrawn is idle at once", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  const [only] = await sendAll(keeper, [1]);
  await clock.settle();
  await only!.cancel();
  await clock.settle();
  expect(keeper.session("a")?.state).toBe("idle");
  await clock.advance(10_000);
  expect(ran(turns)).toEqual([]);
});

test("B18 a message that takes the place of a withdrawn one starts the quiet anew", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.send("a", 1);
  await clock.advance(100);
  const second = await keeper.send("a", 2);
  await clock.advance(450);
  await second.cancel();
  await keeper.send("a", 3);
  await clock.advance(499);
  expect(ran(turns)).toEqual([]);
  await clock.advance(1);
  expect(bodies(turns[0]!.turn)).toEqual([1, 3]);
});

for (const hour of [-3_600_000, 3_600_000]) {
  test(`B18 a wall clock stepped by ${hour / 3_600_000} h changes no debounce`, async () => {
    const { keeper, clock, turns } = await createFixture({ lane });
    await keeper.send("a", 1);
    await clock.advance(100);
    await keeper.send("a", 2);
    await clock.settle();
    clock.stepWall(hour);
    await clock.advance(499);
    expect(ran(turns)).toEqual([]);
    expect(keeper.explain("a").facts).toMatchObject({ quietInMs: 1 });
    await clock.advance(1);
    expect(bodies(turns[0]!.turn)).toEqual([1, 2]);
  });
}

test("B18 a wall clock stepped while another turn runs changes no debounce", async () => {
  for (const hour of [-3_600_000, 3_600_000]) {
    const { keeper, clock, turns } = await createFixture({ lane });
    await keeper.send("a", "running", { mode: "followup" });
    await clock.settle();
    await keeper.send("a", 1);
    await clock.advance(200);
    clock.stepWall(hour);
    turns[0]!.resolve("ok");
    await clock.advance(299);
    expect(ran(turns)).toEqual([["running"]]);
    await clock.advance(1);
    expect(ran(turns)).toEqual([["running"], [1]]);
  }
});

test("B18 a batch that close hands back stays as it was under the next keeper", async () => {
  const store = memoryStore();
  const first = await createFixture({ store, lane });
  await sendAll(first.keeper, [1, 2]);
  await first.clock.advance(500);
  await sendAll(first.keeper, [3]);
  const closed = first.keeper.close();
  await first.clock.advance(15_000);
  await closed;
  const second = await createFixture({ store, lane, clock: first.clock });
  await second.clock.settle();
  second.turns[0]!.resolve("ok");
  await second.clock.settle();
  expect(ran(second.turns)).toEqual([[1, 2], [3]]);
});

test("B18 a batch left by a closed keeper runs once it is quiet, under the next keeper", async () => {
  const store = memoryStore();
  const first = await createFixture({ store, lane });
  const receipts = await sendAll(first.keeper, [1, 2]);
  await first.clock.advance(200);
  await first.keeper.close();
  for (const { outcome } of receipts) await expect(outcome).resolves.toEqual({ status: "suspended" });
  const second = await createFixture({ store, lane, clock: first.clock });
  await second.clock.advance(299);
  expect(ran(second.turns)).toEqual([]);
  await second.clock.advance(1);
  expect(ran(second.turns)).toEqual([[1, 2]]);
});

test("B60 a debouncing session says so, with what it waits for and how long", async () => {
  const { keeper, clock, of } = await createFixture({ lane });
  await sendAll(keeper, [1, 2]);
  await clock.advance(200);
  expect(keeper.explain("a")).toMatchObject({
    blockedBy: "debounce",
    runnable: false,
    facts: { batch: 2, quietInMs: 300, waiting: 2, state: "busy", detail: "busy.debouncing" },
  });
  expect(keeper.explain("a").sentence).toMatch(/batch of 2 messages.*300 ms/u);
  expect(keeper.stats()).toMatchObject({ running: 0, waiting: 2 });
  expect(of("message.accepted")).toMatchObject([{ mode: "collect", isSteering: false }, { mode: "collect" }]);
  expect(of("lane.state")).toMatchObject([{ detail: "busy.debouncing" }]);
});

import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { failingStore } from "./failing-store.ts";
import { createFixture, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Session a runs "work", so that what comes waits. */
async function working(options: Parameters<typeof createFixture>[0] = {}) {
  const fixture = await createFixture(options);
  await fixture.keeper.send("a", "work");
  await fixture.clock.settle();
  return fixture;
}

/** Sends a message that expires after a second. */
function sendBrief({ keeper }: Pick<Fixture, "keeper">, mode?: "collect" | "steer" | "interrupt") {
  return keeper.send("a", "brief", { id: "brief", mode, expiresInMs: 1_000, meta: { channel: "irc" } });
}

const expired = { status: "dropped", reason: "expired" } as const;

test("B22 a message that did not start within expiresInMs is dropped then, by a timer", async () => {
  const { keeper, clock, turns, of } = await working();
  const brief = await sendBrief({ keeper });
  await keeper.send("a", "lasting");
  await clock.advance(999);
  expect(keeper.session("a")?.waiting).toBe(2);
  expect(of("message.dropped")).toEqual([]);
  const due = clock.now() + 1;
  await clock.advance(1);
  await expect(brief.outcome).resolves.toEqual(expired);
  await expect(brief.reply()).rejects.toMatchObject({ code: "MESSAGE_DROPPED" });
  expect(of("message.dropped")).toEqual([
    {
      type: "message.dropped",
      at: due,
      sessionKey: "a",
      id: "brief",
      meta: { channel: "irc" },
      reason: "expired",
    },
  ]);
  expect(keeper.session("a")?.waiting).toBe(1);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["lasting"]]);
});

test("B22 a message that started in time never expires, though it is tried again later", async () => {
  const { keeper, clock, turns } = await createFixture();
  const brief = await sendBrief({ keeper });
  await clock.advance(999);
  turns[0]!.reject(new Error("model down"));
  await clock.advance(10_000);
  expect(ran(turns)).toEqual([["brief"], ["brief"]]);
  turns[1]!.resolve("done");
  await expect(brief.outcome).resolves.toMatchObject({ status: "completed" });
});

test("B13 expiresInMs runs while a message waits for capacity", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("other", "holds the slot");
  await clock.settle();
  const brief = await sendBrief({ keeper });
  await clock.settle();
  expect(keeper.explain("a").blockedBy).toBe("capacity");
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
  expect(keeper.explain("a").blockedBy).toBe("nothing-to-do");
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["holds the slot"]]);
  expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
});

test("B59a expiry runs while a session is paused", async () => {
  const { keeper, clock } = await createFixture();
  await keeper.pause("a");
  const brief = await sendBrief({ keeper });
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
});

test("B22 a message expires while other work of its session backs off", async () => {
  const { keeper, clock, turns } = await working({ lane: { retry: { baseMs: 60_000 } } });
  const brief = await sendBrief({ keeper });
  turns[0]!.reject(new Error("model down"));
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
});

test("B22 a collect message expires while its batch debounces, and leaves the batch", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { mode: "collect", debounceMs: 2_000 } });
  await sendBrief({ keeper }, "collect");
  await clock.advance(500);
  await keeper.send("a", "lasting");
  await clock.advance(2_000);
  expect(ran(turns)).toEqual([["lasting"]]);
});

test("B22 steering that nobody took expires; what was taken does not", async () => {
  const { keeper, clock, turns } = await working();
  const brief = await sendBrief({ keeper }, "steer");
  const taken = await keeper.send("b", "work");
  await clock.settle();
  const kept = await keeper.send("b", "steering", { mode: "steer", expiresInMs: 1_000 });
  turns[1]!.turn.takeSteering();
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  turns[1]!.resolve("done");
  for (const { outcome } of [taken, kept]) await expect(outcome).resolves.toMatchObject({ reply: "done" });
});

test("B22 steering that waits for a retry expires", async () => {
  const { keeper, clock, turns } = await working({ lane: { retry: { baseMs: 4_000 } } });
  const brief = await sendBrief({ keeper }, "steer");
  turns[0]!.reject(new Error("model down"));
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
  await clock.advance(1_000);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
  expect(turns[1]!.turn.takeSteering()).toEqual([]);
});

test("B22 an interrupt that waits while paused expires, and what it aborted stays cancelled", async () => {
  const { keeper, clock, turns } = await working();
  await keeper.pause("a");
  const brief = await sendBrief({ keeper }, "interrupt");
  turns[0]!.reject(new Error("stopped"));
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
  expect(keeper.session("a")?.state).toBe("idle");
});

test("B22 work that was cancelled, cleared or dropped before does not expire, too", async () => {
  const { keeper, clock, of } = await working({ lane: { cap: 1, overflow: "drop-oldest" } });
  await sendBrief({ keeper });
  await keeper.send("a", "newer");
  const cancelled = await keeper.send("b", "work", { expiresInMs: 1_000 });
  await keeper.pause("c");
  await keeper.send("c", "cleared", { expiresInMs: 1_000 });
  await keeper.clear("c");
  await cancelled.cancel();
  await clock.advance(10_000);
  expect(of("message.dropped")).toMatchObject([{ id: "brief", reason: "overflow" }]);
});

test("B22 a session whose waiting work expired is idle, and goes to sleep", async () => {
  const { keeper, clock } = await createFixture();
  await keeper.pause("a");
  await sendBrief({ keeper });
  await clock.advance(1_000);
  expect(keeper.session("a")).toMatchObject({ state: "idle", waiting: 0 });
  await clock.advance(60_000);
  expect(keeper.session("a")).toBeUndefined();
});

test("B23 a message that expired is known until dedupeMs after", async () => {
  const { keeper, clock } = await working({ lane: { dedupeMs: 5_000 } });
  await sendBrief({ keeper });
  await clock.advance(1_000);
  const again = await sendBrief({ keeper });
  await expect(again.outcome).resolves.toEqual(expired);
  await clock.advance(5_000);
  await sendBrief({ keeper });
  await expect(keeper.mailbox("a")).resolves.toMatchObject([{}, { id: "brief" }]);
});

for (const hour of [-3_600_000, 3_600_000]) {
  test(`B22 a wall clock stepped by ${hour / 3_600_000} h changes no expiry`, async () => {
    const { keeper, clock } = await working();
    const brief = await sendBrief({ keeper });
    await clock.advance(400);
    clock.stepWall(hour);
    await clock.advance(599);
    expect(keeper.session("a")?.waiting).toBe(1);
    await clock.advance(1);
    await expect(brief.outcome).resolves.toEqual(expired);
  });
}

test("B22 a message whose time passed while no keeper had the store is dropped by the next one", async () => {
  const store = memoryStore();
  const first = await createFixture({ store });
  await first.keeper.pause("a");
  await sendBrief(first);
  await first.keeper.send("a", "lasting");
  await first.keeper.close();
  await first.clock.advance(10_000);
  const second = await createFixture({ store, clock: first.clock });
  await second.clock.advance(1);
  await expect((await second.keeper.attach("a", "brief"))!.outcome).resolves.toEqual(expired);
  await second.keeper.resume("a");
  await second.clock.settle();
  expect(ran(second.turns)).toEqual([["lasting"]]);
});

test("B22 a message whose time passed while no keeper had the store is not started by the next one", async () => {
  const store = memoryStore();
  const first = await createFixture({ store, capacity: { turns: 1 } });
  await first.keeper.send("other", "holds the slot");
  await first.clock.settle();
  await sendBrief(first);
  const closed = first.keeper.close();
  first.turns[0]!.resolve("ok");
  await closed;
  await first.clock.advance(10_000);
  const second = await createFixture({ store, clock: first.clock });
  await second.clock.advance(1_000);
  expect(ran(second.turns)).toEqual([]);
  await expect((await second.keeper.attach("a", "brief"))!.outcome).resolves.toEqual(expired);
});

test("B22 a message left by a closed keeper expires in time under the next one", async () => {
  const store = memoryStore();
  const first = await createFixture({ store });
  await first.keeper.pause("a");
  await sendBrief(first);
  await first.clock.advance(400);
  await first.keeper.close();
  const second = await createFixture({ store, clock: first.clock });
  const attached = await second.keeper.attach("a", "brief");
  await second.clock.advance(599);
  expect(second.of("message.dropped")).toEqual([]);
  await second.clock.advance(1);
  await expect(attached!.outcome).resolves.toEqual(expired);
});

test("B22 where the store fails just then, the message is dropped as soon as it works again", async () => {
  const store = failingStore();
  const { keeper, clock } = await working({ store });
  const brief = await sendBrief({ keeper });
  store.fail(["withdraw"], "rejects");
  await clock.advance(5_000);
  expect(keeper.session("a")?.waiting).toBe(1);
  store.fail(["withdraw"]);
  await clock.advance(1_000);
  await expect(brief.outcome).resolves.toEqual(expired);
});

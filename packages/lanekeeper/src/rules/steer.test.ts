import { expect, test } from "vitest";
import { bodies, createFixture, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Starts a turn on "work" of session a, and steers it with each message given. */
async function steered(options: Parameters<typeof createFixture>[0], ...messages: readonly unknown[]) {
  const fixture = await createFixture(options);
  const work = await fixture.keeper.send("a", "work", { id: "work" });
  await fixture.clock.settle();
  const receipts = await steerAll(fixture, messages);
  return { ...fixture, work, receipts };
}

async function steerAll({ keeper }: Pick<Fixture, "keeper">, messages: readonly unknown[]) {
  const sent = messages.map((message) => keeper.send("a", message, { mode: "steer", id: String(message) }));
  return Promise.all(sent);
}

test("B19 steering goes to takeSteering() of the running turn, in order, each once", async () => {
  const { turns, clock, of } = await steered({}, "one", "two");
  const { turn } = turns[0]!;
  expect(turn.takeSteering().map(({ id, body }) => [id, body])).toEqual([
    ["one", "one"],
    ["two", "two"],
  ]);
  expect(turn.takeSteering()).toEqual([]);
  await clock.settle();
  expect(of("message.accepted").map(({ id, isSteering }) => [id, isSteering])).toEqual([
    ["work", false],
    ["one", true],
    ["two", true],
  ]);
  expect(of("message.steered")).toMatchObject([
    { sessionKey: "a", id: "one", turnId: turn.id },
    { sessionKey: "a", id: "two", turnId: turn.id },
  ]);
});

test("B19 steering may be taken from the moment it was accepted, with its meta and time", async () => {
  const { keeper, turns } = await steered({});
  const receipt = await keeper.send("a", "now", { mode: "steer", meta: { channel: "irc" } });
  expect(turns[0]!.turn.takeSteering()).toEqual([
    { id: receipt.id, body: "now", acceptedAt: receipt.acceptedAt, meta: { channel: "irc" } },
  ]);
});

test("B19 steering goes to an event turn, too", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.notify("a", { kind: "build" });
  await clock.settle();
  const receipt = await keeper.send("a", "look closer", { mode: "steer" });
  expect(turns[0]!.turn.takeSteering()).toMatchObject([{ body: "look closer" }]);
  turns[0]!.resolve("looked");
  await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "looked" });
  expect(turns).toHaveLength(1);
});

test("B19 a turn that only a wake started is not steered where events ride in it, either", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.notify("a", { kind: "note" }, { wake: false });
  keeper.wake("a", { coalesceMs: 0 });
  await clock.settle();
  expect(turns[0]!.turn).toMatchObject({ cause: "wake", events: [{ kind: "note" }] });
  await keeper.send("a", "look", { mode: "steer" });
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([[], ["look"]]);
});

test("B19 a turn that only a wake started is not steered: the message follows it", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  keeper.wake("a", { coalesceMs: 0 });
  await clock.settle();
  await keeper.send("a", "hello", { mode: "steer" });
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  expect(of("message.accepted")).toMatchObject([{ mode: "steer", isSteering: false }]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([[], ["hello"]]);
});

test("B19 on an idle session steering is a followup", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await steerAll({ keeper }, ["one", "two"]);
  await clock.settle();
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["one"], ["two"]]);
  expect(of("message.accepted").map(({ isSteering }) => isSteering)).toEqual([false, false]);
});

test("B19 while its turn waits for capacity, backs off, or is paused, steering is a followup", async () => {
  const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 1 } });
  await keeper.pause("paused");
  await keeper.send("paused", "work");
  await keeper.send("failing", "work");
  await clock.settle();
  await keeper.send("crowded", "work");
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await keeper.send("next", "holds the slot");
  await clock.settle();
  await keeper.send("waiting", "work");
  for (const key of ["paused", "failing", "waiting"]) await keeper.send(key, "steering", { mode: "steer" });
  expect(of("message.accepted").filter(({ mode }) => mode === "steer")).toMatchObject([
    { sessionKey: "paused", isSteering: false },
    { sessionKey: "failing", isSteering: false },
    { sessionKey: "waiting", isSteering: false },
  ]);
});

test("B19 while the turn is aborted steering is a followup, and takeSteering() gives nothing", async () => {
  const { keeper, clock, turns } = await steered({}, "before");
  await keeper.send("a", "waiting");
  await keeper.abort("a");
  await keeper.send("a", "after", { mode: "steer" });
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  turns[1]!.resolve("ok");
  await clock.settle();
  turns[2]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["before"], ["waiting"], ["after"]]);
});

test("B19 what nobody took runs next, first in order, each once, as turns of their own", async () => {
  const { keeper, clock, turns, receipts } = await steered({}, "one", "two");
  await keeper.send("a", "waiting");
  await steerAll({ keeper }, ["three"]);
  turns[0]!.resolve("done");
  await clock.settle();
  for (let index = 1; index <= 4; index++) {
    turns[index]!.resolve(`turn ${index}`);
    await clock.settle();
  }
  expect(ran(turns)).toEqual([["work"], ["one"], ["two"], ["three"], ["waiting"]]);
  await expect(receipts[0]!.outcome).resolves.toMatchObject({ reply: "turn 1", attempts: 1 });
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
});

test("B19 what nobody took runs next when the turn fails for good, is aborted or is reclaimed", async () => {
  for (const end of ["fails", "is aborted", "is reclaimed"]) {
    const { keeper, clock, turns, receipts } = await steered({ lane: { retry: { attempts: 1 } } }, "one");
    await keeper.send("a", "waiting");
    if (end === "is aborted") await keeper.abort("a");
    if (end === "is reclaimed") await clock.advance(615_000);
    else turns[0]!.reject(new Error("stopped"));
    await clock.settle();
    expect([end, ...ran(turns)]).toEqual([end, ["work"], ["one"]]);
    expect(turns[1]!.turn.attempt).toBe(1);
    turns[1]!.resolve("ok");
    await expect(receipts[0]!.outcome).resolves.toMatchObject({ status: "completed" });
  }
});

test("B19 before a retry, what nobody took stays for that retry's takeSteering()", async () => {
  const { clock, turns, receipts, keeper } = await steered({}, "one", "two");
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain("a")).toMatchObject({ blockedBy: "backoff", facts: { steering: 2, waiting: 3 } });
  await clock.advance(500);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
  expect(turns[1]!.turn.takeSteering()).toMatchObject([{ body: "one" }, { body: "two" }]);
  turns[1]!.resolve("done");
  for (const { outcome } of receipts) {
    await expect(outcome).resolves.toMatchObject({ status: "completed", reply: "done", attempts: 1 });
  }
  await clock.advance(60_000);
  expect(turns).toHaveLength(2);
});

test("B19 before the retry of a reclaimed turn, what nobody took stays for it", async () => {
  const { clock, turns } = await steered({ lane: { maxReclaims: 1 } }, "one");
  await clock.advance(615_000);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  expect(turns[1]!.turn.takeSteering()).toMatchObject([{ body: "one" }]);
});

test("B19 what was taken shares the turn's outcome, and runs in no turn of its own", async () => {
  const { clock, turns, receipts, of } = await steered({}, "taken");
  turns[0]!.turn.takeSteering();
  turns[0]!.resolve("done");
  await expect(receipts[0]!.outcome).resolves.toEqual({
    status: "completed",
    turnId: turns[0]!.turn.id,
    reply: "done",
    attempts: 1,
  });
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"]]);
  expect(of("turn.completed")).toMatchObject([{ messageIds: ["work", "taken"] }]);
});

test("B19 what was taken is given up with the turn: failed, reclaimed or cancelled", async () => {
  for (const end of ["failed", "reclaimed", "cancelled"]) {
    const { keeper, clock, turns, receipts, work } = await steered(
      { lane: { retry: { attempts: 1 } } },
      "taken",
    );
    turns[0]!.turn.takeSteering();
    if (end === "cancelled") await keeper.abort("a");
    if (end === "reclaimed") await clock.advance(615_000);
    else turns[0]!.reject(new Error("stopped"));
    await expect(work.outcome).resolves.toMatchObject({ status: end });
    await expect(receipts[0]!.outcome).resolves.toMatchObject({ status: end });
    await clock.advance(60_000);
    expect([end, ...ran(turns)]).toEqual([end, ["work"]]);
    await expect(keeper.deadLetters()).resolves.toHaveLength(end === "cancelled" ? 0 : 2);
  }
});

test("B19 what was taken is cancelled by a reset of its turn, and completed by a reply while closing", async () => {
  const reset = await steered({}, "taken");
  reset.turns[0]!.turn.takeSteering();
  void reset.keeper.reset("a");
  await expect(reset.receipts[0]!.outcome).resolves.toEqual({ status: "cancelled", reason: "reset" });
  const closed = await steered({}, "taken");
  closed.turns[0]!.turn.takeSteering();
  void closed.keeper.close();
  await closed.clock.settle();
  closed.turns[0]!.resolve("done");
  await expect(closed.receipts[0]!.outcome).resolves.toMatchObject({ status: "completed", reply: "done" });
});

test("B24 taken steering is progress; asking for it in vain, or its coming, is not", async () => {
  const { keeper, clock, turns } = await steered({});
  await clock.advance(119_000);
  turns[0]!.turn.takeSteering();
  await steerAll({ keeper }, ["one"]);
  await clock.advance(1_000);
  expect(keeper.session("a")?.state).toBe("stalled");
  turns[0]!.turn.takeSteering();
  await clock.settle();
  expect(keeper.session("a")?.state).toBe("busy");
});

test("B19 if the turn is tried again, the first takeSteering() gives what was taken again", async () => {
  const { keeper, clock, turns, receipts } = await steered({}, "taken");
  turns[0]!.turn.takeSteering();
  await steerAll({ keeper }, ["untaken"]);
  turns[0]!.reject(new Error("model down"));
  await clock.advance(500);
  expect(turns[1]!.turn.takeSteering()).toMatchObject([{ body: "taken" }, { body: "untaken" }]);
  expect(turns[1]!.turn.takeSteering()).toEqual([]);
  turns[1]!.resolve("done");
  await expect(receipts[0]!.outcome).resolves.toMatchObject({ status: "completed", attempts: 2 });
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
});

test("B19 what was taken once and not by the retry that completes runs as a turn of its own", async () => {
  const { clock, turns, receipts } = await steered({}, "taken");
  turns[0]!.turn.takeSteering();
  turns[0]!.reject(new Error("model down"));
  await clock.advance(500);
  turns[1]!.resolve("done without it");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["work"], ["taken"]]);
  turns[2]!.resolve("done");
  await expect(receipts[0]!.outcome).resolves.toMatchObject({ status: "completed", reply: "done" });
});

test("B19 an event turn that backs off gives its steering to the message turn that takes its events along", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.notify("a", { kind: "build" });
  await clock.settle();
  const receipt = await keeper.send("a", "steering", { mode: "steer" });
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain("a").blockedBy).toBe("backoff");
  await keeper.send("a", "message");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["message"]);
  expect(turns[1]!.turn.events).toHaveLength(1);
  expect(turns[1]!.turn.takeSteering()).toMatchObject([{ body: "steering" }]);
  turns[1]!.resolve("both");
  await expect(receipt.outcome).resolves.toMatchObject({ reply: "both" });
});

test("B19 waiting steering counts towards cap", async () => {
  const { keeper } = await steered({ lane: { cap: 2 } }, "one", "two");
  await expect(keeper.send("a", "three", { mode: "steer" })).rejects.toMatchObject({ code: "LANE_FULL" });
  await expect(keeper.send("a", "four")).rejects.toMatchObject({ code: "LANE_FULL" });
});

test("B19 taken steering counts towards cap no longer", async () => {
  const { keeper, clock, turns } = await steered({ lane: { cap: 1 } }, "one");
  turns[0]!.turn.takeSteering();
  await clock.settle();
  await expect(keeper.send("a", "two")).resolves.toMatchObject({ sessionKey: "a" });
});

test("B19 waiting steering is never dropped for want of room", async () => {
  for (const overflow of ["drop-oldest", "summarize"] as const) {
    const { keeper, turns } = await steered({ lane: { cap: 2, overflow } }, "one", "two");
    const three = await keeper.send("a", "three");
    await expect(three.outcome).resolves.toEqual({ status: "dropped", reason: "overflow" });
    expect(turns[0]!.turn.takeSteering()).toMatchObject([{ body: "one" }, { body: "two" }]);
  }
});

test("B19 steering can be cancelled until it is taken", async () => {
  const { clock, turns, receipts, of } = await steered({}, "one", "two", "three");
  const [one, two, three] = receipts;
  await expect(one!.cancel("changed my mind")).resolves.toBe(true);
  expect(turns[0]!.turn.takeSteering()).toMatchObject([{ body: "two" }, { body: "three" }]);
  await expect(two!.cancel()).resolves.toBe(false);
  await clock.settle();
  await expect(three!.cancel()).resolves.toBe(false);
  await expect(one!.outcome).resolves.toEqual({ status: "cancelled", reason: "cancelled" });
  expect(of("message.cancelled")).toMatchObject([{ id: "one", note: "changed my mind" }]);
});

test("B19 a cleared session's steering is cancelled, and no turn sees it", async () => {
  const { keeper, clock, turns, receipts } = await steered({}, "one");
  await expect(keeper.clear("a")).resolves.toBe(1);
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  await expect(receipts[0]!.outcome).resolves.toEqual({ status: "cancelled", reason: "cleared" });
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"]]);
});

test("B19 steering stays when the work that it steers is withdrawn while it backs off, and runs next", async () => {
  const { clock, turns, work } = await steered({}, "one");
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await expect(work.cancel()).resolves.toBe(true);
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["one"]]);
});

test("B19 a pause leaves the running turn its steering; what is not taken waits", async () => {
  const { keeper, clock, turns } = await steered({}, "one");
  await keeper.pause("a");
  expect(turns[0]!.turn.takeSteering()).toMatchObject([{ body: "one" }]);
  await steerAll({ keeper }, ["two"]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(keeper.session("a")).toMatchObject({ detail: "busy.paused", waiting: 1 });
  await keeper.resume("a");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["two"]]);
});

test("B60 waiting steering is counted until it is taken", async () => {
  const { keeper, clock, turns } = await steered({}, "one", "two");
  await keeper.send("a", "waiting");
  await clock.settle();
  expect(keeper.session("a")).toMatchObject({ waiting: 3, detail: "busy.running" });
  expect(keeper.explain("a")).toMatchObject({ blockedBy: "running", facts: { steering: 2, waiting: 3 } });
  turns[0]!.turn.takeSteering();
  await clock.settle();
  expect(keeper.session("a")).toMatchObject({ waiting: 1 });
  expect(keeper.explain("a").facts).not.toHaveProperty("steering");
  await expect(keeper.mailbox("a")).resolves.toMatchObject([
    { id: "work" },
    { id: "one" },
    { id: "two" },
    {},
  ]);
});

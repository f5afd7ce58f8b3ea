// oxlint-disable unicorn/no-thenable -- strange thenables are what B7 is about
import { describe, expect, it } from "vitest";
import { bodies, createFixture } from "./fixture.ts";

describe("lanes", () => {
  it("B1 puts a lane in exactly one of the four states, which the events name in order", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await keeper.send("s", 1);
    await clock.settle();
    expect(keeper.session("s")).toMatchObject({ state: "busy", detail: "busy.running" });
    await clock.advance(120_000);
    expect(keeper.session("s")).toMatchObject({ state: "stalled", detail: "stalled.running" });
    await clock.advance(480_000);
    expect(keeper.session("s")).toMatchObject({ state: "stalled", detail: "stalled.aborting" });
    turns[0]!.reject(new Error("stopped"));
    await clock.settle();
    expect(keeper.session("s")).toMatchObject({ state: "idle" });
    expect(of("lane.state").map(({ detail }) => detail)).toEqual([
      "busy.waitingForCapacity",
      "busy.opening",
      "busy.running",
      "stalled.running",
      "stalled.aborting",
      "reclaimed.settling",
      "idle",
    ]);
  });

  it("B1 keeps a lane idle that has only events sent with wake: false", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.notify("s", { kind: "note" }, { wake: false });
    await clock.advance(1_000);
    expect(keeper.session("s")).toMatchObject({ state: "idle", events: 1 });
    expect(turns).toHaveLength(0);
  });

  it("B2 answers whether a session is busy from its lane's state alone", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.send("s", 1);
    await clock.settle();
    const { state } = keeper.session("s")!;
    expect(state).toBe("busy");
    expect(keeper.explain("s").facts).toMatchObject({ state });
    turns[0]!.resolve(1);
    await clock.settle();
    expect(keeper.session("s")!.state).toBe("idle");
    expect(keeper.explain("s").facts).toMatchObject({ state: "idle" });
  });

  it("B3 runs at most one live turn a session, in the order of acceptance", async () => {
    const { keeper, clock, turns } = await createFixture();
    for (const body of [1, 2, 3]) await keeper.send("s", body);
    await clock.settle();
    expect(turns).toHaveLength(1);
    turns[0]!.resolve(undefined);
    await clock.settle();
    turns[1]!.resolve(undefined);
    await clock.settle();
    expect(turns.map(({ turn }) => bodies(turn))).toEqual([[1], [2], [3]]);
  });

  it("B3 keeps the place of a message that backs off, and what came later waits", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.send("s", "first");
    await keeper.send("s", "second");
    await clock.settle();
    turns[0]!.reject(new Error("once"));
    await clock.settle();
    expect(keeper.session("s")!.detail).toBe("busy.backingOff");
    await clock.advance(500);
    expect(turns.map(({ turn }) => bodies(turn))).toEqual([["first"], ["first"]]);
  });

  it("B4 lets sessions wait for each other only for capacity", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 2 } });
    for (const key of ["a", "b", "c"]) await keeper.send(key, key);
    await clock.settle();
    expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["a", "b"]);
    turns[1]!.resolve(undefined);
    await clock.settle();
    expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["a", "b", "c"]);
  });

  it("B5 counts a slot before the turn's code, the log or a subscriber can ask", async () => {
    const seen: number[] = [];
    const { keeper, clock } = await createFixture({ turn: () => void seen.push(keeper.stats().running) });
    keeper.events$.subscribe(({ type }) => {
      if (type === "turn.started") seen.push(keeper.stats().running);
    });
    await keeper.send("s", 1);
    await clock.settle();
    expect(seen).toEqual([1, 1]);
  });

  it("B5 contains a subscriber, a logger and an agentOf that throw, and logs each at most once per 30 s", async () => {
    const lines: string[] = [];
    const { keeper, clock } = await createFixture({
      agentOf: () => {
        throw new Error("agentOf is broken");
      },
      turn: ({ agent }) => agent,
      logger: {
        debug: () => {},
        info: () => {},
        warn: () => {
          throw new Error("the logger is broken");
        },
        error: (_, message) => void lines.push(message),
      },
    });
    keeper.events$.subscribe(() => {
      throw new Error("the subscriber is broken");
    });
    const replies: unknown[] = [];
    for (const key of ["agent:x:1", "agent:y:1", "z"]) {
      const { outcome } = await keeper.send(key, 1);
      replies.push(await outcome);
    }
    expect(replies).toMatchObject([{ reply: "x" }, { reply: "y" }, { reply: "main" }]);
    expect(lines).toHaveLength(2);
    await clock.advance(30_000);
    await (
      await keeper.send("agent:later:1", 1)
    ).outcome;
    expect(lines).toHaveLength(4);
  });

  it.each([
    ["no text", 7],
    ["empty", ""],
    ["untrimmed", " x "],
  ])("B5 falls back to the default agent where agentOf gives %s", async (_, agent) => {
    const { keeper } = await createFixture({ agentOf: () => agent as string, turn: (turn) => turn.agent });
    const { outcome } = await keeper.send("agent:a:1", 1);
    expect(await outcome).toMatchObject({ reply: "a" });
  });

  it("B6 has freed the slot and chosen the session's next turn when an outcome settles", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    const first = await keeper.send("s", 1);
    await keeper.send("s", 2);
    await clock.settle();
    const seen = first.outcome.then(() => ({
      chosen: keeper.session("s")!.detail,
      waiting: keeper.stats().running <= 1,
    }));
    turns[0]!.resolve(undefined);
    expect(await seen).toEqual({ chosen: expect.stringMatching(/^busy\.(opening|running)$/), waiting: true });
  });

  const strange: [string, () => unknown, string][] = [
    [
      "throws synchronously",
      () => {
        throw new Error("sync");
      },
      "failed",
    ],
    [
      "throws no error",
      () => {
        throw "text";
      },
      "failed",
    ],
    [
      "throws what has no text",
      () => {
        throw Object.create(null);
      },
      "failed",
    ],
    ["rejects with nothing", () => Promise.reject(undefined), "failed"],
    ["throws a revoked proxy", () => throwing(revokedProxy()), "failed"],
    [
      "throws an error whose message throws",
      () => throwing(errorWith({ get: () => throwing(new Error("getter")) })),
      "failed",
    ],
    [
      "throws an error whose message is a symbol",
      () => throwing(errorWith({ value: Symbol("m") })),
      "failed",
    ],
    [
      "throws an error whose message has no text",
      () => throwing(errorWith({ value: Object.create(null) })),
      "failed",
    ],
    [
      "returns a thenable that settles twice",
      () => ({
        then: (f: (x: unknown) => void) => {
          f(1);
          f(2);
        },
      }),
      "completed",
    ],
    [
      "returns a thenable that throws after settling",
      () => ({
        then: (f: (x: unknown) => void) => {
          f(1);
          throw new Error("after");
        },
      }),
      "completed",
    ],
    [
      "returns an object whose then throws",
      () => ({
        get then() {
          throw new Error("getter");
        },
      }),
      "failed",
    ],
  ];
  it.each(strange)("B7 goes on after a turn that %s", async (_, misbehave, status) => {
    const { keeper } = await createFixture({
      lane: { retry: { attempts: 1 } },
      capacity: { turns: 1 },
      turn: ({ messages }) => (messages[0]!.body === "bad" ? misbehave() : "fine"),
    });
    const bad = await keeper.send("s", "bad");
    const next = await keeper.send("s", "good");
    const other = await keeper.send("other", "good");
    expect(await bad.outcome).toMatchObject({ status });
    for (const { reason } of await keeper.deadLetters()) expect(typeof reason).toBe("string");
    expect(await next.outcome).toMatchObject({ status: "completed", reply: "fine" });
    expect(await other.outcome).toMatchObject({ status: "completed", reply: "fine" });
  });

  it("B7 gives the error of a failed turn as an Error, whatever was thrown", async () => {
    const { keeper } = await createFixture({
      lane: { retry: { attempts: 1 } },
      turn: () => {
        throw "text";
      },
    });
    const receipt = await keeper.send("s", 1);
    const outcome = await receipt.outcome;
    expect(outcome.status === "failed" && outcome.error).toBeInstanceOf(Error);
    await expect(receipt.reply()).rejects.toMatchObject({ cause: "text" });
  });

  it("B8 gives a turn one message and every event accepted before it started; what arrives later waits", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.pause("s");
    await keeper.notify("s", { kind: "before" });
    await keeper.send("s", "message");
    await keeper.notify("s", { kind: "quiet" }, { wake: false });
    await keeper.resume("s");
    await clock.settle();
    await keeper.notify("s", { kind: "later" });
    await clock.settle();
    expect(turns).toHaveLength(1);
    expect(bodies(turns[0]!.turn)).toEqual(["message"]);
    expect(turns[0]!.turn.events.map(({ kind }) => kind)).toEqual(["before", "quiet"]);
    turns[0]!.resolve(undefined);
    await clock.settle();
    expect(turns[1]!.turn.events.map(({ kind }) => kind)).toEqual(["later"]);
  });

  it("B8 consumes what a turn holds only by completing", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.notify("s", { kind: "kept" });
    await clock.settle();
    turns[0]!.reject(new Error("not yet"));
    await clock.advance(1_000);
    expect(turns[1]!.turn.events.map(({ kind }) => kind)).toEqual(["kept"]);
    turns[1]!.resolve(undefined);
    await clock.settle();
    expect(await keeper.mailbox("s")).toEqual([]);
  });

  it("B9 starts a turn of cause event for events alone", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.notify("s", { kind: "note", body: { n: 1 } });
    await clock.settle();
    expect(turns[0]!.turn).toMatchObject({ cause: "event", messages: [] });
    expect(turns[0]!.turn.events).toMatchObject([{ kind: "note", body: { n: 1 } }]);
  });

  it("B11 stops an idle lane's actor and starts it again with the same order, incarnation and counters", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane: { passivateAfterMs: 1_000 } });
    await keeper.send("s", 1);
    await clock.settle();
    turns[0]!.resolve(undefined);
    await clock.settle();
    const { incarnation } = keeper.session("s")!;
    await clock.advance(1_000);
    expect(keeper.session("s")).toBeUndefined();
    expect(of("lane.passivated")).toHaveLength(1);
    expect(keeper.stats()).toMatchObject({ known: 1, live: 0 });
    expect(await keeper.sessions()).toMatchObject({
      sessions: [{ sessionKey: "s", state: "idle", incarnation }],
    });
    const token = turns[0]!.turn.fencingToken;
    await keeper.send("s", 2);
    await clock.settle();
    expect(keeper.session("s")).toMatchObject({ incarnation, state: "busy" });
    expect(turns[1]!.turn.fencingToken).toBeGreaterThan(token);
  });

  it("B11 wakes a sleeping lane with the quiet events it went to sleep with", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { passivateAfterMs: 1_000 } });
    await keeper.notify("s", { kind: "quiet" }, { wake: false });
    await clock.advance(2_000);
    expect(keeper.session("s")).toBeUndefined();
    await keeper.send("s", 1);
    await clock.settle();
    expect(turns[0]!.turn.events.map(({ kind }) => kind)).toEqual(["quiet"]);
  });
});

function throwing(thrown: unknown): never {
  throw thrown;
}
function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
function errorWith(message: PropertyDescriptor): Error {
  return Object.defineProperty(new Error("x"), "message", message);
}

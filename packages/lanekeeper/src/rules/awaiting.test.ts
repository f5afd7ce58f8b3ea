import { expect, test } from "vitest";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { createFixture, deferred, type Fixture } from "./fixture.ts";

/** What a session's turns do, and a reply for the sessions that are not named. */
type Scripts = Readonly<Record<string, (turn: Turn) => unknown>>;

const deadlock = { code: "SELF_DEADLOCK" };

/** A keeper with one slot whose failed turns are not tried again. */
function createFamily(scripts: Scripts, turns = 1): Promise<Fixture> {
  return createFixture({
    capacity: { turns },
    lane: { retry: { attempts: 1 } },
    turn: (turn) => scripts[turn.sessionKey]?.(turn) ?? `the reply of ${turn.sessionKey}`,
  });
}

/** What a rejection rejects with, so that a turn may return it. */
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "not rejected",
    (error: unknown) => error,
  );

test("B10a a parent awaits its child's reply on the only slot there is, and both complete", async () => {
  const { keeper, clock, of } = await createFamily({
    parent: async () => (await keeper.send("child", "ask")).reply(),
  });
  const asked = await keeper.send("parent", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toBe("the reply of child");
  expect(of("turn.completed").map(({ sessionKey }) => sessionKey)).toEqual(["child", "parent"]);
  expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0, completed: 2 });
});

test("B10a a chain of four sessions, each awaiting the next, runs on one slot", async () => {
  const awaiting =
    (next: string) =>
    async ({ sessionKey }: Turn) =>
      `${sessionKey} < ${String(await (await keeper.send(next, "ask")).reply())}`;
  const { keeper, clock } = await createFamily({ a: awaiting("b"), b: awaiting("c"), c: awaiting("d") });
  const asked = await keeper.send("a", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toBe("a < b < c < the reply of d");
});

test("B10a reply() rejects as its work ends: failed, cancelled, dropped or reclaimed", async () => {
  const seen: Record<string, unknown> = {};
  const { keeper, clock } = await createFamily({
    parent: async () => {
      await keeper.pause("cancelled");
      await keeper.pause("dropped");
      for (const child of ["failed", "cancelled", "dropped", "hanging"]) {
        const receipt = await keeper.send(child, "ask", child === "dropped" ? { expiresInMs: 5_000 } : {});
        if (child === "cancelled") void receipt.cancel();
        seen[child] = await rejection(receipt.reply());
      }
      return "done";
    },
    failed: () => Promise.reject(new RangeError("no such thing")),
    hanging: () => new Promise(() => {}),
  });
  const asked = await keeper.send("parent", "go");
  await clock.advance(700_000);
  await expect(asked.reply()).resolves.toBe("done");
  expect(seen).toMatchObject({
    failed: { name: "RangeError", message: "no such thing" },
    cancelled: { code: "MESSAGE_CANCELLED" },
    dropped: { code: "MESSAGE_DROPPED" },
    hanging: { code: "WORK_RECLAIMED" },
  });
});

test("B10a an event's receipt, an attached one, a duplicate's and one from outside are awaited alike", async () => {
  const outside = deferred<Receipt>();
  const { keeper, clock } = await createFamily({
    parent: async () => {
      await keeper.send("child", "first", { id: "m" });
      const receipts = [
        await keeper.notify("listener", { kind: "note" }),
        (await keeper.attach("child", "m"))!,
        await keeper.send("child", "again", { id: "m" }),
        await outside.promise,
      ];
      const replies: unknown[] = [];
      for (const receipt of receipts) replies.push(await receipt.reply());
      return replies;
    },
  });
  await keeper.pause("stranger");
  outside.resolve(await keeper.send("stranger", "from outside"));
  const asked = await keeper.send("parent", "go");
  await keeper.resume("stranger");
  await clock.settle();
  const replies = ["listener", "child", "child", "stranger"].map((key) => `the reply of ${key}`);
  await expect(asked.reply()).resolves.toEqual(replies);
});

test("B10a a parent that awaits a reply says so, in explain and in events", async () => {
  const held = deferred();
  const { keeper, clock, of } = await createFamily({
    parent: async () => (await keeper.send("child", "ask")).reply(),
    child: () => held.promise,
  });
  await keeper.send("parent", "go");
  await clock.advance(50_000);
  expect(keeper.explain("parent")).toMatchObject({
    blockedBy: "running",
    sentence: expect.stringContaining("the reply of child"),
    facts: { silentMs: 0 },
  });
  expect(of("turn.waiting")).toMatchObject([{ sessionKey: "parent", reason: "the reply of child" }]);
  held.resolve("now");
  await clock.settle();
  expect(of("turn.resumed")).toMatchObject([{ sessionKey: "parent", reason: "the reply of child" }]);
});

test("B10a finished work is replied to without a wait", async () => {
  const { keeper, clock, of } = await createFamily({ parent: () => earlier.reply() });
  const earlier = await keeper.send("child", "ask");
  await clock.settle();
  const asked = await keeper.send("parent", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toBe("the reply of child");
  expect(of("turn.waiting")).toEqual([]);
});

test("B10a reply() asked for after its turn was told to stop rejects with the signal's reason, and lends nothing", async () => {
  let caught: unknown;
  let reason: unknown;
  const { keeper, clock, of } = await createFamily({
    parent: async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      caught = await rejection(waiting.reply());
      ({ reason } = signal);
    },
  });
  await keeper.send("parent", "go");
  const waiting = await keeper.send("child", "waits");
  await clock.settle();
  await keeper.abort("parent");
  await clock.settle();
  expect(caught).toMatchObject({ code: "TURN_ABORTED" });
  expect(caught).toBe(reason);
  expect(of("turn.waiting")).toEqual([]);
  await expect(waiting.reply()).resolves.toBe("the reply of child");
});

test("B10 work of a turn's own session is refused at once, stays accepted and runs later", async () => {
  let caught: unknown;
  const { keeper, clock, of } = await createFamily({
    a: async ({ messages }) => {
      if (messages[0]!.body !== "go") return "later";
      const own = await keeper.send("a", "own", { id: "own" });
      caught = await rejection(own.reply());
      return "went on";
    },
  });
  const asked = await keeper.send("a", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toBe("went on");
  expect(caught).toMatchObject({ ...deadlock, details: { id: "own", sessionKey: "a", circle: ["a", "a"] } });
  const own = await keeper.attach("a", "own");
  await expect(own!.outcome).resolves.toMatchObject({ status: "completed", reply: "later", attempts: 1 });
  expect(of("turn.waiting")).toEqual([]);
});

test.each([
  ["event", (fixture: Fixture) => fixture.keeper.notify("a", { kind: "note" })],
  ["steering", (fixture: Fixture) => fixture.keeper.send("a", "more", { mode: "steer" })],
  ["very message", async (fixture: Fixture) => (await fixture.keeper.attach("a", "go"))!],
])("B10 a turn cannot await its own session's %s", async (_, own) => {
  let caught: unknown;
  const fixture: Fixture = await createFamily({
    a: async () => (caught ??= await rejection((await own(fixture)).reply())),
  });
  await fixture.keeper.send("a", "go", { id: "go" });
  await fixture.clock.settle();
  expect(caught).toMatchObject(deadlock);
  expect(fixture.keeper.stats()).toMatchObject({ running: 0, waiting: 0, failed: 0 });
});

test("B10 finished work of a turn's own session is replied to", async () => {
  const { keeper, clock } = await createFamily({
    a: ({ messages }) => (messages[0]!.body === "first" ? "one" : first.reply()),
  });
  const first = await keeper.send("a", "first");
  const second = await keeper.send("a", "second");
  await clock.settle();
  await expect(second.reply()).resolves.toBe("one");
});

test.each([2, 3, 5])(
  "B10 a circle of %i sessions is refused at the call that closes it, and everybody completes",
  async (length) => {
    const keys = Array.from({ length }, (_, index) => `s${index}`);
    const refused: { readonly by: string; readonly error: unknown }[] = [];
    const ask = async ({ sessionKey, messages }: Turn): Promise<unknown> => {
      if (messages[0]!.body === "closing") return "was only asked";
      const index = keys.indexOf(sessionKey);
      const next = keys[(index + 1) % length]!;
      const receipt = await keeper.send(next, index + 1 === length ? "closing" : "ask");
      return receipt.reply().catch((error: unknown) => {
        refused.push({ by: sessionKey, error });
        return "refused";
      });
    };
    const { keeper, clock } = await createFamily(Object.fromEntries(keys.map((key) => [key, ask])));
    const asked = await keeper.send("s0", "ask");
    await clock.settle();
    await expect(asked.reply()).resolves.toBe("refused");
    expect(refused).toMatchObject([
      { by: keys.at(-1), error: { ...deadlock, details: { circle: [keys.at(-1), ...keys] } } },
    ]);
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0, completed: length + 1 });
  },
);

test("B10 a circle through one of several awaits is found", async () => {
  let caught: unknown;
  const { keeper, clock } = await createFamily({
    a: async ({ messages }) => {
      if (messages[0]!.body !== "go") return "asked back";
      const receipts = [await keeper.send("b", 1), await keeper.send("c", 1)];
      return Promise.all(receipts.map((receipt) => receipt.reply()));
    },
    c: async () => {
      caught = await rejection((await keeper.send("a", "back")).reply());
      return "caught";
    },
  });
  const asked = await keeper.send("a", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toEqual(["the reply of b", "caught"]);
  expect(caught).toMatchObject({ ...deadlock, details: { circle: ["c", "a", "c"] } });
});

test("B10 two sessions that await the same one are no circle", async () => {
  const askD = async () => (await keeper.send("d", "ask")).reply();
  const { keeper, clock } = await createFamily({
    a: async () => {
      const receipts = [await keeper.send("b", 1), await keeper.send("c", 1)];
      return Promise.all(receipts.map((receipt) => receipt.reply()));
    },
    b: askD,
    c: askD,
  });
  const asked = await keeper.send("a", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toEqual(["the reply of d", "the reply of d"]);
});

test("B10 an await that is over closes no circle", async () => {
  const asked = deferred<void>();
  const { keeper, clock } = await createFamily(
    {
      a: async ({ messages }) => {
        if (messages[0]!.body !== "go") return "asked back";
        await (await keeper.send("b", "first")).reply();
        await asked.promise;
        return "a is done";
      },
      b: async ({ messages }) => {
        if (messages[0]!.body === "first") return "b is done";
        const back = await keeper.send("a", "back");
        asked.resolve();
        return back.reply();
      },
    },
    2,
  );
  const first = await keeper.send("a", "go");
  await clock.settle();
  const second = await keeper.send("b", "second");
  await clock.settle();
  await expect(first.reply()).resolves.toBe("a is done");
  await expect(second.reply()).resolves.toBe("asked back");
});

test("B10 outcome is never checked, not even of a turn's own session", async () => {
  const { keeper, clock } = await createFamily({
    a: async ({ messages }) => {
      if (messages[0]!.body !== "go") return "later";
      const { outcome } = await keeper.send("a", "own");
      return Promise.race([outcome, pause(clock, 1_000).then(() => "not settled")]);
    },
  });
  const asked = await keeper.send("a", "go");
  await clock.advance(1_000);
  await expect(asked.reply()).resolves.toBe("not settled");
  expect(keeper.stats()).toMatchObject({ completed: 2 });
});

test("B10a awaiting an outcome lends nothing: the parent is reclaimed, then the child runs", async () => {
  const { keeper, clock, of } = await createFamily({
    parent: async () => (await keeper.send("child", "ask")).outcome,
  });
  const asked = await keeper.send("parent", "go");
  await clock.advance(614_999);
  expect(of("turn.started")).toHaveLength(1);
  await clock.advance(1);
  await expect(asked.outcome).resolves.toMatchObject({ status: "reclaimed", reason: "stalled" });
  expect(of("turn.started").map(({ sessionKey }) => sessionKey)).toEqual(["parent", "child"]);
});

test.each(["a promise", "a timer"])(
  "B10 a context left over in %s of an ended turn counts for nothing",
  async (left) => {
    const go = deferred<void>();
    const late = deferred<unknown>();
    const { keeper, clock, of } = await createFamily({
      a: ({ messages }) => {
        if (messages[0]!.body !== "go") return "later";
        const afterwards = left === "a promise" ? go.promise : pause(clock, 1_000);
        void afterwards.then(async () => late.resolve((await keeper.send("a", "own")).reply()));
        return "returned";
      },
    });
    const asked = await keeper.send("a", "go");
    await clock.settle();
    await expect(asked.reply()).resolves.toBe("returned");
    go.resolve();
    await clock.advance(1_000);
    await expect(late.promise).resolves.toBe("later");
    expect(of("turn.waiting")).toEqual([]);
  },
);

test("B10 a context left over from an ended turn counts for nothing in the next turn of its session", async () => {
  const go = deferred<void>();
  const late = deferred<unknown>();
  const held = deferred();
  const { keeper, clock, of } = await createFamily({
    a: ({ messages }) => {
      if (messages[0]!.body === "next") return held.promise;
      void go.promise.then(async () => late.resolve((await keeper.send("b", "ask")).reply()));
      return "returned";
    },
  });
  await keeper.send("a", "go");
  await keeper.send("a", "next");
  await clock.settle();
  go.resolve();
  await clock.settle();
  expect(keeper.explain("b").blockedBy).toBe("capacity");
  expect(of("turn.waiting")).toEqual([]);
  held.resolve("done");
  await expect(late.promise).resolves.toBe("the reply of b");
  expect(of("turn.started").map(({ sessionKey }) => sessionKey)).toEqual(["a", "a", "b"]);
});

test("B10 an await that an ended turn left behind closes no circle, and settles", async () => {
  const left = deferred<unknown>();
  const { keeper, clock } = await createFamily({
    a: async ({ messages }) => {
      if (messages[0]!.body !== "go") return "asked back";
      const receipt = await keeper.send("b", "ask");
      void receipt.reply().then((reply) => left.resolve(reply));
      return "returned";
    },
    b: async () => (await keeper.send("a", "back")).reply(),
  });
  const asked = await keeper.send("a", "go");
  await clock.settle();
  await expect(asked.reply()).resolves.toBe("returned");
  await expect(left.promise).resolves.toBe("asked back");
});

test("B59 a turn of one keeper awaits another keeper's work without a loan or a check", async () => {
  const other = await createFamily({});
  const { keeper, of } = await createFamily({
    a: async () => (await other.keeper.send("a", "same name")).reply(),
  });
  const asked = await keeper.send("a", "go");
  await other.clock.settle();
  await expect(asked.reply()).resolves.toBe("the reply of a");
  expect(of("turn.waiting")).toEqual([]);
});

/** Resolves after some simulated time. */
function pause(clock: Fixture["clock"], ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, ms));
}

import { describe, expect, it } from "vitest";
import { failingStore } from "./failing-store.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, StoreHost } from "../store/store.ts";
import { createFixture, deferred, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Milliseconds after which the store has been asked again. */
const soonMs = 2_000;
const unavailable = { code: "STORE_UNAVAILABLE" };

/** A keeper whose session runs a turn, on a store that loses the answer to one step. */
async function createLosing(
  step: Parameters<ReturnType<typeof failingStore>["fail"]>[0][number],
): Promise<Fixture & { readonly lose: (call: () => Promise<unknown>) => Promise<void> }> {
  const store = failingStore();
  const fixture = await createFixture({ store, lane: { cap: 1, eventCap: 1, overflow: "drop-oldest" } });
  await fixture.keeper.send("s", "running");
  await fixture.clock.settle();
  return {
    ...fixture,
    async lose(call) {
      store.fail([step], "loses the answer");
      await expect(call()).rejects.toMatchObject(unavailable);
      store.fail([step]);
      await fixture.clock.advance(soonMs);
    },
  };
}
const outcomeOf = (receipt: { readonly outcome: Promise<unknown> }): Promise<unknown> =>
  Promise.race([receipt.outcome, Promise.resolve("open")]);

describe("B33 where the store has done a step and its answer is lost", () => {
  it("runs what was accepted, also if it is never sent again", async () => {
    const { keeper, turns, clock, lose } = await createLosing("append");
    turns[0]!.resolve("done");
    await clock.settle();
    await lose(() => keeper.send("s", "accepted", { id: "m" }));
    expect(ran(turns)).toEqual([["running"], ["accepted"]]);
  });

  it("drops what was accepted once it expires", async () => {
    const { keeper, of, lose, clock } = await createLosing("append");
    await lose(() => keeper.send("s", "soon over", { id: "m", expiresInMs: 60_000 }));
    expect((await keeper.mailbox("s")).map(({ id }) => id)).toContain("m");
    await clock.advance(60_000);
    expect(of("message.dropped")).toMatchObject([{ id: "m", reason: "expired" }]);
  });

  it("tells the outcome of a message that had to make room", async () => {
    const { keeper, of, lose } = await createLosing("append");
    const oldest = await keeper.send("s", "oldest", { id: "oldest" });
    await lose(() => keeper.send("s", "newest", { id: "newest" }));
    expect(await outcomeOf(oldest)).toEqual({ status: "dropped", reason: "overflow" });
    expect(of("message.dropped")).toMatchObject([{ id: "oldest", reason: "overflow" }]);
  });

  it("tells the outcome of an event that another has replaced", async () => {
    const { keeper, of, lose } = await createLosing("append");
    const first = await keeper.notify("s", { kind: "k", key: "one" }, { id: "first" });
    await lose(() => keeper.notify("s", { kind: "k", key: "one" }, { id: "second" }));
    expect(await outcomeOf(first)).toEqual({ status: "dropped", reason: "replaced" });
    expect(of("event.replaced")).toMatchObject([{ id: "first", by: undefined }]);
  });

  it("tells the outcome of an interrupt that a later one outdates", async () => {
    const { keeper, of, lose } = await createLosing("append");
    const first = await keeper.send("s", "stop", { id: "first", mode: "interrupt" });
    await lose(() => keeper.send("s", "no, stop", { id: "second", mode: "interrupt" }));
    expect(await outcomeOf(first)).toEqual({ status: "cancelled", reason: "interrupted" });
    const told = of("message.cancelled").filter(({ id }) => id === "first");
    expect(told).toMatchObject([{ reason: "interrupted" }]);
  });

  it("tells the outcome of a message that was withdrawn", async () => {
    const { keeper, of, lose } = await createLosing("withdraw");
    const receipt = await keeper.send("s", "withdrawn", { id: "m" });
    await lose(() => receipt.cancel());
    expect(await outcomeOf(receipt)).toEqual({ status: "cancelled", reason: "cancelled" });
    expect(of("message.cancelled")).toMatchObject([{ id: "m", reason: "cancelled" }]);
  });

  it("tells the outcome of an event that made room for a completion", async () => {
    const { keeper, of, lose, clock } = await createLosing("completeExecution");
    await keeper.expectExec("s", "make");
    const event = await keeper.notify("s", { kind: "k" }, { id: "event" });
    await lose(() => keeper.reportExec({ execId: "make", sessionKey: "s", exitCode: 0 }));
    await clock.settle();
    expect(await outcomeOf(event)).toEqual({ status: "dropped", reason: "overflow" });
    expect(of("event.dropped")).toMatchObject([{ id: "event" }]);
  });

  it("goes on with the incarnation that a reset has begun, and tells what that ended", async () => {
    const { keeper, turns, clock, lose, processes } = await createLosing("restart");
    turns[0]!.reject(new Error("once"));
    await clock.settle();
    const backingOff = await keeper.attach("s", (await keeper.mailbox("s"))[0]!.id);
    await lose(() => keeper.reset("s"));
    expect(await outcomeOf(backingOff!)).toEqual({ status: "cancelled", reason: "reset" });
    await keeper.exec("s", "make");
    processes.started[0]!.end(0);
    await clock.settle();
    expect(turns.at(-1)!.turn.events.map(({ kind }) => kind)).toEqual(["exec.completed"]);
  });

  it("leaves what a turn holds to the end of that turn", async () => {
    const { keeper, of, turns, clock, lose } = await createLosing("append");
    const running = await keeper.attach("s", (await keeper.mailbox("s"))[0]!.id);
    await lose(() => keeper.send("s", "next", { id: "next" }));
    expect(await outcomeOf(running!)).toBe("open");
    turns[0]!.resolve("done");
    await clock.settle();
    expect(await outcomeOf(running!)).toMatchObject({ status: "completed", reply: "done" });
    expect(of("turn.completed")).toHaveLength(1);
  });

  it("says suspended where the store no longer knows how the work ended", async () => {
    const store = failingStore();
    const { keeper, clock } = await createFixture({ store, lane: { dedupeMs: 0 } });
    await keeper.pause("s");
    const receipt = await keeper.send("s", "withdrawn");
    store.fail(["withdraw"], "loses the answer");
    await expect(receipt.cancel()).rejects.toMatchObject(unavailable);
    store.fail(["withdraw"]);
    await clock.advance(soonMs);
    expect(await outcomeOf(receipt)).toEqual({ status: "suspended" });
  });

  it("finds out as well where it was done and answered after its deadline", async () => {
    const memory = memoryStore();
    const gate = deferred<void>();
    const append = (mailboxes: Mailboxes): Mailboxes =>
      Object.assign(Object.create(mailboxes) as Mailboxes, {
        append: (...request: Parameters<Mailboxes["append"]>) =>
          gate.promise.then(() => mailboxes.append(...request)),
      });
    const store = { ...memory, open: async (host: StoreHost) => append(await memory.open(host)) };
    const { keeper, turns, clock } = await createFixture({ store });
    const refused = keeper.send("s", "late").catch((error: unknown) => error);
    await clock.advance(30_000);
    expect(await refused).toMatchObject(unavailable);
    await clock.advance(60_000);
    expect(turns).toEqual([]);
    gate.resolve();
    await clock.advance(soonMs);
    expect(ran(turns)).toEqual([["late"]]);
  });
});

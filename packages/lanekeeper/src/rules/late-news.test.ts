import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, SessionRecord, StoreHost } from "../store/store.ts";
import { createFixture, deferred } from "./fixture.ts";

/** A memory store that answers one question about a session, asked for by `hold`, when it is told to. */
function createSlowStore() {
  const memory = memoryStore();
  const gate = deferred<void>();
  let isHeld = false;
  const slow = (mailboxes: Mailboxes): Mailboxes =>
    Object.assign(Object.create(mailboxes) as Mailboxes, {
      session(sessionKey: string) {
        const record = mailboxes.session(sessionKey) as SessionRecord;
        if (!isHeld) return record;
        isHeld = false;
        return gate.promise.then(() => record);
      },
    });
  return {
    store: { ...memory, open: async (host: StoreHost) => slow(await memory.open(host)) },
    hold: () => {
      isHeld = true;
    },
    answer: () => gate.resolve(),
  };
}

test("B11 late news of a session that was forgotten meanwhile starts nothing, and keeps nothing busy", async () => {
  const { store, hold, answer } = createSlowStore();
  const lane = { dedupeMs: 0, passivateAfterMs: 0 };
  const { keeper, clock, turns, of } = await createFixture({ store, lane });
  await keeper.pause("s");
  await keeper.send("s", "once", { id: "m" });
  hold();
  await keeper.send("s", "once", { id: "m" });
  await keeper.resume("s");
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.advance(10);
  expect(await keeper.forget("s")).toBe(true);
  const steps = of("lane.state").length;
  answer();
  await clock.advance(10);
  expect(turns).toHaveLength(1);
  expect(keeper.explain("s").blockedBy).toBe("nothing-to-do");
  expect(of("lane.state").length - steps).toBeLessThan(3);
});

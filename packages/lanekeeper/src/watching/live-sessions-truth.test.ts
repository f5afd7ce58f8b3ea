import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createFixture } from "../rules/fixture.ts";
import type { SessionView } from "../seeing/views.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, Store } from "../store/store.ts";
import type { Clock } from "../time/clock.ts";
import { liveSessions } from "./live-sessions.ts";

/** A memory store that answers in later turns of the event loop. */
function laterStore(): Store {
  const store = memoryStore();
  const later = (clock: Clock, answer: unknown) =>
    new Promise((resolve) =>
      setImmediate(() => {
        clock.now();
        setImmediate(resolve, answer);
      }),
    );
  return {
    leases: store.leases,
    open: async (host) =>
      new Proxy(await store.open(host), {
        get(target, step: keyof Mailboxes) {
          const { [step]: call } = target;
          if (typeof call !== "function") return call;
          return (...given: never[]) => later(host.clock, (call as (...all: never[]) => unknown)(...given));
        },
      }),
    close: () => store.close(),
  };
}

const sessionKey = fc.constantFrom("a", "ab", "b", "c");
const step = fc.oneof(
  fc.record({ send: sessionKey }),
  fc.record({ notify: sessionKey, wake: fc.boolean() }),
  fc.record({ end: fc.nat(5), fails: fc.boolean() }),
  fc.record({ progress: fc.nat(5) }),
  fc.record({ pause: fc.option(sessionKey, { nil: undefined }) }),
  fc.record({ resume: fc.option(sessionKey, { nil: undefined }) }),
  fc.record({ reset: sessionKey }),
  fc.record({ abort: sessionKey }),
  fc.record({ clear: sessionKey }),
  fc.record({ forget: sessionKey }),
  fc.record({ pass: fc.constantFrom(0, 100, 1_000, 5_000) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** That a turn was reclaimed after an abort is forgotten when its session falls asleep; a table remembers it. */
function withoutReclaim({ lastReclaim: _, ...row }: SessionView): SessionView {
  return row;
}

/** The rows of a live table, and what the keeper says, once all these steps are done. */
async function follow(
  store: Store,
  steps: readonly Step[],
): Promise<{ readonly rows: readonly SessionView[]; readonly sessions: readonly SessionView[] }> {
  const { keeper, clock, turns } = await createFixture({
    store,
    capacity: { turns: 2 },
    lane: {
      passivateAfterMs: 500,
      stallAfterMs: 2_000,
      reclaimAfterMs: 3_000,
      abortGraceMs: 200,
      retry: { attempts: 2 },
    },
  });
  let table: ReadonlyMap<string, SessionView> = new Map();
  const subscription = liveSessions(keeper).subscribe((next) => (table = next));
  for (const done of steps) {
    if ("send" in done) await keeper.send(done.send, "hello");
    else if ("notify" in done) await keeper.notify(done.notify, { kind: "note" }, { wake: done.wake });
    else if ("end" in done && done.fails) turns.at(-1 - done.end)?.reject(new Error("model down"));
    else if ("end" in done) turns.at(-1 - done.end)?.resolve("done");
    else if ("progress" in done) turns.at(-1 - done.progress)?.turn.progress("on it");
    else if ("pause" in done) await keeper.pause(done.pause);
    else if ("resume" in done) await keeper.resume(done.resume);
    else if ("reset" in done) void keeper.reset(done.reset).catch(() => {});
    else if ("abort" in done) void keeper.abort(done.abort);
    else if ("clear" in done) {
      // A lane that is being started meanwhile does not hear of it, and the keeper itself says then what was before.
      await clock.settle();
      await keeper.clear(done.clear, { events: true });
    } else if ("forget" in done) await keeper.forget(done.forget);
    else if (done.pass === 0) await clock.settle();
    else await clock.advance(done.pass);
  }
  await clock.settle();
  subscription.unsubscribe();
  const { sessions } = await keeper.sessions();
  return { rows: [...table.values()].map(withoutReclaim), sessions: sessions.map(withoutReclaim) };
}

test.each([
  ["at once", memoryStore],
  ["later", laterStore],
])("says what the keeper says whatever happens, on a store that answers %s", async (_when, createStore) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { rows, sessions } = await follow(createStore(), steps);
      expect(rows).toEqual(sessions);
    }),
    { numRuns: 40 },
  );
});

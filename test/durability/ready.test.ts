import { createLanekeeper, type Store } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it } from "vitest";
import { accept, message, openStore } from "../conformance/mailbox-store-fixture.ts";
import { temporaryStore } from "../conformance/temporary-store.ts";

/** A store, and how often each step of it was asked for. */
function countSteps(store: Store): { readonly store: Store; readonly steps: Map<string, number> } {
  const steps = new Map<string, number>();
  return {
    steps,
    store: {
      leases: store.leases,
      close: () => store.close(),
      async open(host) {
        const mailboxes = await store.open(host);
        return new Proxy(mailboxes, {
          get(target, name) {
            if (typeof name === "string") steps.set(name, (steps.get(name) ?? 0) + 1);
            return Reflect.get(target, name) as unknown;
          },
        });
      },
    },
  };
}

it("B56 a keeper is ready without having read a message, or a session in which nothing waits", async () => {
  const file = temporaryStore();
  const { mailboxes } = await openStore(() => file);
  for (let index = 0; index < 400; index++) {
    const sessionKey = `s${index}`;
    await Promise.all(["a", "b", "c"].map(async (id) => accept(mailboxes, message(sessionKey, id))));
    if (index % 2 === 0) continue;
    const outcome = { status: "cancelled", reason: "cleared" } as const;
    await mailboxes.withdraw({ sessionKey, events: false, isFresh: false, outcome, dedupeMs: 60_000 });
  }
  await mailboxes.pause(undefined, true);
  await file.close();

  const { store, steps } = countSteps(file);
  const clock = createSimulatedClock();
  const keeper = await createLanekeeper({ store, clock, turn: () => "ok" });
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ known: 400, live: 200, waiting: 600 });
  const read = ["waiting", "unfinished", "find"].map((name) => steps.get(name) ?? 0);
  expect([...read, steps.get("session")]).toEqual([0, 0, 0, 200]);
  await keeper.resume();
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ waiting: 0, completed: 600 });
  await keeper.close();
});

import { createLanekeeper, type Store } from "lanekeeper";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { type SqliteStore, sqliteStore } from "@lanekeeper/sqlite";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { accept, message, openStore } from "../conformance/mailbox-store-fixture.ts";
import { temporaryFolder } from "../conformance/temporary-store.ts";

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

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const names = ["page", "session", "waiting", "unfinished", "find"] as const;
function readsOf(steps: ReadonlyMap<string, number>): Readonly<Record<(typeof names)[number], number>> {
  const counts = names.map((name) => [name, steps.get(name) ?? 0]);
  return Object.fromEntries(counts) as Record<(typeof names)[number], number>;
}

interface Filled {
  readonly path: string;
  readonly file: SqliteStore;
  readonly clock: SimulatedClock;
}

/** A file with 400 sessions that have three messages each, of which every second has settled its. */
async function fillFile(mode: "followup" | "collect"): Promise<Filled> {
  const path = join(temporaryFolder(), "store.db");
  const file = sqliteStore(path);
  const { mailboxes, clock } = await openStore(() => file);
  for (let index = 0; index < 400; index++) {
    const sessionKey = `s${index}`;
    await Promise.all(
      ["a", "b", "c"].map(async (id) => accept(mailboxes, message(sessionKey, id, id, { mode }))),
    );
    if (index % 2 === 0) continue;
    const outcome = { status: "cancelled", reason: "cleared" } as const;
    await mailboxes.withdraw({ sessionKey, events: false, isFresh: false, outcome, dedupeMs: 60_000 });
  }
  await mailboxes.pause(undefined, true);
  await file.close();
  return { path, file, clock };
}

it("B56 a keeper is ready without having read a message, or a session in which nothing waits", async () => {
  const { file, clock } = await fillFile("followup");
  const { store, steps } = countSteps(file);
  const keeper = await createLanekeeper({ store, clock, turn: () => "ok" });
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ known: 400, live: 200, waiting: 600 });
  // One page of those that wait, and one of those that may expire.
  expect(readsOf(steps)).toEqual({ page: 2, session: 0, waiting: 0, unfinished: 0, find: 0 });
  await keeper.resume();
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ waiting: 0, completed: 600 });
  await keeper.close();
});

it("B56 a keeper reads the messages of as many sessions as have a slot", async () => {
  const { file, clock } = await fillFile("followup");
  const { store, steps } = countSteps(file);
  const keeper = await createLanekeeper({
    store,
    clock,
    capacity: { turns: 5 },
    turn: () => new Promise(() => {}),
    logger: silent,
  });
  await keeper.resume();
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ live: 200, running: 5, waiting: 595 });
  expect(readsOf(steps)).toEqual({ page: 2, session: 0, waiting: 5, unfinished: 0, find: 0 });
  const closed = keeper.close();
  await clock.advance(60_000);
  await closed;
});

it.each([
  ["followup", "none"],
  ["collect", "the first of each batch"],
] as const)("B56 of the messages that wait in mode %s, opening reads %s", async (mode, _) => {
  const { path, file } = await fillFile(mode);
  const database = new DatabaseSync(path);
  // A row that is read is found to be damaged.
  const others = mode === "collect" ? "WHERE seq NOT IN (SELECT min(seq) FROM item GROUP BY session)" : "";
  const { changes } = database.prepare(`UPDATE item SET data = '{}' ${others}`).run();
  database.close();
  expect(changes).toBe(mode === "collect" ? 400 : 600);
  const clock = createSimulatedClock();
  const keeper = await createLanekeeper({ store: file, clock, turn: () => "ok", logger: silent });
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ health: "ok", live: 200, waiting: 600 });
  await keeper.resume();
  await clock.advance(10_000);
  expect(keeper.stats()).toMatchObject({ health: "degraded", waiting: 600 });
  const closed = keeper.close();
  await clock.advance(60_000);
  await closed;
});

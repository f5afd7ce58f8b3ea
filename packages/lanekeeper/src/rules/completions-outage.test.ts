import { expect, it } from "vitest";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { Turn } from "../turns/turn.ts";
import { failingStore } from "./failing-store.ts";
import { createFixture, type HeldTurn } from "./fixture.ts";

/** The status of each completion that turns were shown, in order. */
function shown(turns: readonly Pick<Turn, "events">[]): readonly unknown[] {
  return turns.flatMap(({ events }) =>
    events.map(({ body }) => (body as { readonly status: string }).status),
  );
}

const turnsOf = (held: readonly HeldTurn[]): readonly Turn[] => held.map(({ turn }) => turn);

it("B35 B57 a completion waits for a store that fails, however long, and reaches its session", async () => {
  const store = failingStore();
  const { keeper, clock, turns, processes } = await createFixture({ store });
  const { done } = await keeper.exec("s", "make");
  store.fail(["completeExecution"], "rejects");
  processes.started[0]!.end(0);
  await clock.advance(6 * 3_600_000);
  expect(shown(turnsOf(turns))).toEqual([]);
  store.fail(["completeExecution"]);
  await clock.advance(10_000);
  expect(shown(turnsOf(turns))).toEqual(["completed"]);
  await expect(done).resolves.toMatchObject({ status: "completed" });
});

it("B35 a completion that waits for a store is given up at close, and to whoever has the store by then", async () => {
  for (const end of ["close", "lose"] as const) {
    const store = failingStore();
    const { keeper, clock, logs, processes } = await createFixture({ store });
    const { done } = await keeper.exec("s", "make");
    store.fail(["completeExecution"], "rejects");
    processes.started[0]!.end(0);
    await clock.advance(60_000);
    if (end === "close") void keeper.close();
    else await store.close();
    store.fail(["completeExecution"], end === "close" ? "rejects" : undefined);
    await clock.advance(60_000);
    await expect(done).resolves.toMatchObject({ status: "completed" });
    const message = "A completion could not be recorded.";
    expect(logs.filter((line) => line.message === message)).toHaveLength(1);
  }
});

it("B57 a keeper cannot be created while the store does not take what was lost; the next one reports it", async () => {
  const store = failingStore();
  const first = await createFixture({ store });
  await first.keeper.exec("s", "make");
  await store.close();
  store.fail(["completeExecution"], "rejects");
  const { clock } = first;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const opening = createLanekeeper({ store, clock, turn: () => "ok", logger: silent });
  await expect(opening).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  store.fail(["completeExecution"]);
  const next = await createFixture({ store, clock });
  await clock.settle();
  expect(shown(turnsOf(next.turns))).toEqual(["lost"]);
});

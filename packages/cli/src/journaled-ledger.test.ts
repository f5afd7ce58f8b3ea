import { expect, it } from "vitest";
import { createJournaledLedger } from "./journaled-ledger.ts";
import type { ReplayFact } from "./replay-fact.ts";
import { createReplayLedger } from "./replay-ledger.ts";
import type { ReplayLedger, ReplayTurn } from "./replay-ledger.ts";

function openBooks(past: readonly ReplayFact[]) {
  const facts: ReplayFact[] = [...past, { fact: "life", at: 0 }];
  const ledger = createJournaledLedger({
    ledger: createReplayLedger({ attempts: 3 }),
    append: (fact) => void facts.push({ ...fact, at: 7 }),
    past,
  });
  return { ledger, facts };
}

function createTurn(fields: Partial<ReplayTurn> & { readonly sessionKey: string }) {
  const controller = new AbortController();
  const turn: ReplayTurn = {
    attempt: 1,
    messages: [],
    events: [],
    signal: controller.signal,
    assertCurrent: () => undefined,
    ...fields,
  };
  return { turn, abort: () => controller.abort() };
}

/** A bit of everything: each of these changes what the books come to. */
function live(ledger: ReplayLedger, life: number): void {
  const [a, b, home] = [`a${life}`, `b${life}`, `home${life}`];
  const run = (sessionKey: string, ...ids: readonly string[]) =>
    createTurn({ sessionKey, messages: ids.map((id) => ({ id })) });
  for (const id of [a, b]) {
    ledger.offer(id, home, 7);
    ledger.accept(id);
  }
  ledger.offer(`refused${life}`, home, 7);
  ledger.refuse(`refused${life}`);
  ledger.begin(run(home, b).turn, 7).crash();
  ledger.begin(run(home, a).turn, 7).answer();
  ledger.settle(a, { status: "completed", reply: a });
  const hanging = run(home, b);
  ledger.begin({ ...hanging.turn, attempt: 2 }, 7);
  hanging.abort();
  ledger.begin(run(home).turn, 7).check();
  for (const name of ["exec", "buried"]) {
    ledger.launching(home);
    ledger.launch(`${name}${life}`, home);
  }
  ledger.launching(home);
  ledger.launchFailed(home);
  ledger.bury(`buried${life}`);
  const events = [{ id: `exec${life}`, body: { status: "lost" } }];
  ledger.begin(createTurn({ sessionKey: home, events }).turn, 7).answer();
  ledger.launching(`elsewhere${life}`);
  ledger.closing();
}

it("I2 comes to the same from what was written as from what was entered, over several lives", () => {
  const whole = createReplayLedger({ attempts: 3 });
  let past: readonly ReplayFact[] = [];
  for (const life of [1, 2, 3]) {
    const books = openBooks(past);
    whole.restart();
    live(whole, life);
    live(books.ledger, life);
    const end = { isInterrupted: false };
    expect(books.ledger.tally(end)).toEqual(whole.tally(end));
    expect(books.ledger.overlaps).toBe(whole.overlaps);
    expect([books.ledger.turns, books.ledger.sent, books.ledger.settled]).toEqual([
      whole.turns,
      whole.sent,
      whole.settled,
    ]);
    expect(books.ledger.unsettled()).toEqual(whole.unsettled());
    past = books.facts;
  }
  expect(whole.tally({ isInterrupted: false })).toMatchObject({
    orderViolations: 3,
    overlaps: 9,
    lost: 3,
    deadLettered: 3,
    completions: { started: 6, delivered: 3, asLost: 3, deadLettered: 3 },
  });
});

it("I1 has written a turn's beginning and its end before the books know of it", () => {
  const entries: string[] = [];
  const inner = createReplayLedger({ attempts: 3 });
  const ledger = createJournaledLedger({
    ledger: inner,
    append: (fact) => void entries.push(`${fact.fact} ${inner.turns} ${inner.settled}`),
    past: [],
  });
  ledger.offer("a", "home", 0);
  ledger.begin(createTurn({ sessionKey: "home", messages: [{ id: "a" }] }).turn, 0).answer();
  ledger.settle("a", { status: "completed", reply: "a" });
  expect(entries).toEqual(["offered 0 0", "began 0 0", "answered 1 0", "told 1 0"]);
});

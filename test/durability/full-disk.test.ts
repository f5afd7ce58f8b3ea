import type { Mailboxes, StoredItem } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { createLanekeeper, type LanekeeperEvent } from "lanekeeper";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  accept,
  finished,
  idsOf,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
} from "../conformance/mailbox-store-fixture.ts";
import { temporaryStore } from "../conformance/temporary-store.ts";

const mebibyte = 1_048_576;
const large = "x".repeat(60_000);
const wide = { ...limits, cap: 1_000 };

/** Accepts large messages until the store is full. Answers those that were accepted. */
async function fill(mailboxes: Mailboxes): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  for (let index = 0; index < 1_000; index++) {
    const asked = (async () => accept(mailboxes, message("s", `m${index}`, large), wide))();
    const failure: unknown = await asked
      .then(({ item }) => void items.push(item))
      .catch((error: unknown) => error);
    if (failure === undefined) continue;
    expect(failure).toMatchObject({ code: "STORE_UNAVAILABLE", details: { reason: "full" } });
    return items;
  }
  return items;
}

describe("B57 a file that may grow no more", () => {
  it("refuses what it has no room for, keeps what it has, and goes on when there is room", async () => {
    const { mailboxes, reopen } = await openStore(() => temporaryStore({ maxBytes: mebibyte }));
    const items = await fill(mailboxes);
    expect(items.length).toBeGreaterThan(5);
    expect(items.length).toBeLessThan(1_000);
    expect(idsOf(await mailboxes.waiting("s"))).toEqual(idsOf(items));
    expect([mailboxes.backlog, await mailboxes.find("s", `m${items.length}`)]).toEqual([
      items.length,
      undefined,
    ]);

    const { fencingToken } = await openTurn(mailboxes, "s", "t", items.slice(0, 3));
    const end = { sessionKey: "s", turnId: "t", fencingToken, dedupeMs: 0, ...plainEnd };
    const settled = await mailboxes.settleTurn({ ...end, dispositions: items.slice(0, 3).map(finished) });
    expect(settled.status).toBe("settled");
    const { item } = await accept(mailboxes, message("s", "later", large), wide);

    const next = await reopen();
    expect(idsOf(await next.waiting("s"))).toEqual(idsOf([...items.slice(3), item]));
    expect(next.backlog).toBe(items.length - 2);
  });

  it("refuses every step that shares a commit with what it has no room for, and none of them has happened", async () => {
    const { mailboxes } = await openStore(() => temporaryStore({ maxBytes: mebibyte }));
    const sent = Array.from({ length: 40 }, async (_, index) =>
      mailboxes.append(message(`s${index}`, "m", large), limits),
    );
    const settled = await Promise.allSettled(sent);
    expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect([mailboxes.known, mailboxes.backlog]).toEqual([0, 0]);
    // From then on each has a commit of its own: what fits is accepted.
    const again = await Promise.allSettled(
      Array.from({ length: 40 }, async (_, index) =>
        mailboxes.append(message(`s${index}`, "m", large), limits),
      ),
    );
    const accepted = again.filter(({ status }) => status === "fulfilled").length;
    expect(accepted).toBeGreaterThan(5);
    expect(accepted).toBeLessThan(40);
    expect([mailboxes.known, mailboxes.backlog]).toEqual([accepted, accepted]);
  });

  it("shows nobody what may be undone: a look at a session that a commit is to change waits for that", async () => {
    const { mailboxes } = await openStore(() => temporaryStore({ maxBytes: mebibyte }));
    await accept(mailboxes, message("a", "m"), limits);
    await accept(mailboxes, message("b", "m"), limits);
    const full = { code: "STORE_UNAVAILABLE", details: { reason: "full" } };
    const sent = mailboxes.append(message("a", "large", "x".repeat(2 * mebibyte)), limits);
    const seen = [
      mailboxes.waiting("a"),
      mailboxes.unfinished("a"),
      mailboxes.session("a"),
      mailboxes.find("a", "large"),
      mailboxes.page({ prefix: "", after: undefined, limit: 9 }),
    ];
    // What nothing changes is as it is.
    expect(mailboxes.waiting("b")).toMatchObject([{ id: "m" }]);
    for (const refused of [sent, ...seen]) await expect(refused).rejects.toMatchObject(full);
    expect(idsOf(await mailboxes.waiting("a"))).toEqual(["m"]);
  });

  it("shows nobody what may be undone in a session that memory had no room for meanwhile", async () => {
    const store = await openStore(() => temporaryStore({ maxBytes: mebibyte, memoryBytes: 0 }));
    const { mailboxes } = store;
    await accept(mailboxes, message("a", "m"), limits);
    await accept(mailboxes, message("b", "m"), limits);
    const asked = [
      mailboxes.append(message("a", "small"), limits),
      mailboxes.page({ prefix: "", after: undefined, limit: 9 }),
      // The page has had "a" written, and this takes its place in memory.
      mailboxes.waiting("b"),
      mailboxes.waiting("a"),
      mailboxes.append(message("c", "large", "x".repeat(2 * mebibyte)), limits),
    ];
    const full = { code: "STORE_UNAVAILABLE", details: { reason: "full" } };
    for (const refused of asked) await expect(refused).rejects.toMatchObject(full);
    expect(idsOf(await mailboxes.waiting("a"))).toEqual(["m"]);
  });

  it("tells a sender, shows in the keeper's health, and what waits runs on", async () => {
    const clock = createSimulatedClock();
    const events: LanekeeperEvent[] = [];
    const ran: string[] = [];
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const keeper = await createLanekeeper<string, string>({
      store: temporaryStore({ maxBytes: mebibyte }),
      clock,
      logger: silent,
      lane: { cap: 1_000, dedupeMs: 0 },
      turn: ({ messages }) => {
        ran.push(...messages.map(({ id }) => id));
        return "ok";
      },
    });
    onTestFinished(() => keeper.close());
    keeper.events$.subscribe((event) => events.push(event));
    await keeper.pause("s");
    const sent: string[] = [];
    const sendUntilRefused = async (): Promise<unknown> => {
      for (;;) {
        const id = `m${sent.length}`;
        try {
          await keeper.send("s", large, { id });
        } catch (error) {
          return error;
        }
        sent.push(id);
      }
    };
    const refusal = await sendUntilRefused();
    expect(refusal).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining(
        `the store may take ${mebibyte} bytes (its option maxBytes): raise that, or let what waits run`,
      ) as string,
    });
    expect(keeper.stats().health).toBe("degraded");
    await keeper.resume("s");
    await clock.advance(60_000);
    expect(ran).toEqual(sent);
    await keeper.send("s", large);
    await clock.settle();
    expect(keeper.stats().health).toBe("ok");
    expect(events.filter(({ type }) => type === "health.changed")).toMatchObject([
      { health: "degraded", reason: "store" },
      { health: "ok" },
    ]);
  });
});

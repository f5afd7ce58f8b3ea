import * as fc from "fast-check";
import type { Mailboxes, NewItem, StoredItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  type CreateStore,
  event,
  finished,
  idsOf,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
  returned,
  running,
  settle,
} from "./mailbox-store-fixture.ts";

type Summary = Awaited<ReturnType<Mailboxes["session"]>>["mailbox"];

const urgency = { background: 0, normal: 1, foreground: 2 };

function isTurnsOwn({ type, steers }: StoredItem): boolean {
  return type === "message" && steers === undefined;
}
function isFresh({ lastTurnId }: StoredItem): boolean {
  return lastTurnId === undefined;
}

/** What a lane is to know of what waits, by the words of the port. */
function summaryOf(waiting: readonly StoredItem[]): Omit<Summary, "version"> {
  const messages = waiting.filter(isTurnsOwn);
  const events = waiting.filter(({ type }) => type === "event");
  const [head] = messages;
  const backingOff = events.flatMap(({ retryAt }) => retryAt ?? []);
  const end = messages.findIndex((item) => item.mode !== "collect" || !isFresh(item));
  const batch = end === -1 ? messages : messages.slice(0, end);
  return {
    messages: messages.length,
    events: events.filter(({ wakes }) => wakes).length,
    quiet: events.filter(({ wakes }) => !wakes).length,
    steering: waiting.length - messages.length - events.length,
    retry:
      head?.retryAt !== undefined
        ? { holding: "message", at: head.retryAt }
        : backingOff.length > 0
          ? { holding: "event", at: Math.max(...backingOff) }
          : null,
    batch:
      batch.length === 0
        ? null
        : {
            firstSeq: batch[0]!.seq,
            firstMono: batch[0]!.acceptedMono,
            lastMono: batch.at(-1)!.acceptedMono,
            count: batch.length,
          },
    interrupt: waiting.some((item) => item.ahead === 2 && isFresh(item)),
    pressing: messages.some(({ priority }) => priority !== "background"),
    priority:
      waiting.map(({ priority }) => priority).toSorted((a, b) => urgency[b] - urgency[a])[0] ?? "normal",
    group: (head ?? events[0])?.group ?? null,
  };
}

/** One thing that happens to the session. */
type Happening =
  | { readonly kind: "append"; readonly item: Partial<NewItem>; readonly doesSteer: boolean }
  | { readonly kind: "open" | "claim" | "restart" | "reopen" }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "withdraw"; readonly pick: number }
  | {
      readonly kind: "settle";
      readonly returns: number;
      readonly retryMs: number | undefined;
      readonly doesStay: boolean;
      readonly restart: boolean;
    };

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      item: fc.oneof(
        fc.record({
          type: fc.constant("message" as const),
          mode: fc.constantFrom<NewItem["mode"]>("followup", "collect", "collect", "steer", "interrupt"),
          priority: fc.constantFrom<NewItem["priority"]>("foreground", "foreground", "normal", "background"),
          group: fc.constantFrom(undefined, undefined, "webhook"),
          expiresInMs: fc.constantFrom(undefined, undefined, 900),
        }),
        fc.record({
          type: fc.constant("event" as const),
          priority: fc.constantFrom<NewItem["priority"]>("normal", "normal", "background", "foreground"),
          group: fc.constantFrom(undefined, undefined, "batch"),
          wakes: fc.boolean(),
          key: fc.constantFrom(undefined, undefined, "k"),
        }),
      ),
      doesSteer: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "open" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "claim" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "reopen" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 400, 900) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("withdraw" as const), pick: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      returns: fc.nat(7),
      retryMs: fc.constantFrom(undefined, 500),
      doesStay: fc.boolean(),
      restart: fc.boolean(),
    }),
  },
);

/** A turn of the session that a random history has open. */
interface Opened {
  readonly turnId: string;
  readonly fencingToken: bigint;
  items: readonly StoredItem[];
  readonly first: number | undefined;
}

/** Lets things happen to one session, and looks at all that is known of it after each. */
async function live(createStore: CreateStore, history: readonly Happening[]): Promise<void> {
  const { mailboxes: first, clock, reopen } = await openStore(createStore);
  let mailboxes = first;
  let opened: Opened | undefined;
  let version = 0;
  const accepted: string[] = [];
  /** What the store answered, and what it should have. */
  const said: unknown[] = [];
  const meant: unknown[] = [];
  const common = { sessionKey: "s", dedupeMs: limits.dedupeMs };

  const happen = async (happening: Happening, step: number): Promise<void> => {
    switch (happening.kind) {
      case "append": {
        const id = `i${step}`;
        const { type } = happening.item;
        const given = type === "event" ? event("s", id) : message("s", id);
        const steersTurn =
          happening.item.mode === "steer" && happening.doesSteer ? opened?.turnId : undefined;
        const { item, mailbox } = await accept(mailboxes, { ...given, ...happening.item, steersTurn });
        said.push(item.steers, mailbox);
        meant.push(
          steersTurn === undefined ? undefined : opened!.first,
          (await mailboxes.session("s")).mailbox,
        );
        accepted.push(id);
        return;
      }
      case "open": {
        const waiting = await mailboxes.waiting("s");
        if (opened !== undefined) return;
        const [head] = waiting.filter(isTurnsOwn);
        const items = [
          ...(head === undefined ? [] : [head]),
          ...waiting.filter(({ type }) => type === "event"),
        ];
        const turnId = `t${step}`;
        const { fencingToken, steering } = await openTurn(mailboxes, "s", turnId, items);
        const ofTurn = waiting.filter(({ steers }) => items.some(({ seq }) => seq === steers));
        said.push(steering);
        meant.push(ofTurn);
        opened = { turnId, fencingToken, items, first: items[0]?.seq };
        return;
      }
      case "claim": {
        if (opened === undefined) return;
        const { items, turnId } = opened;
        const taken = (await mailboxes.waiting("s")).filter(({ steers }) =>
          items.some(({ seq }) => seq === steers),
        );
        const seqs = taken.map(({ seq }) => seq);
        await mailboxes.claimSteering({ sessionKey: "s", turnId, seqs });
        opened.items = [...items, ...taken];
        return;
      }
      case "settle": {
        if (opened === undefined) return;
        const retryAt = happening.retryMs === undefined ? undefined : clock.now() + happening.retryMs;
        const dispositions = opened.items.map((item, index) =>
          ((happening.returns >> index) & 1) === 1 ? returned(item, "failure", retryAt) : finished(item),
        );
        const { turnId, fencingToken } = opened;
        const steering = happening.doesStay ? ("stays" as const) : ("released" as const);
        await settle(
          mailboxes,
          {
            ...plainEnd,
            ...common,
            turnId,
            fencingToken,
            dispositions,
            steering,
            restart: happening.restart,
          },
          ...dispositions,
        );
        opened = undefined;
        return;
      }
      case "withdraw": {
        const waiting = await mailboxes.waiting("s");
        const { seq } = waiting[happening.pick % waiting.length] ?? {};
        const outcome = { status: "cancelled", reason: "cancelled" } as const;
        const seqs = seq === undefined ? [] : [seq];
        await mailboxes.withdraw({ ...common, seqs, events: true, isFresh: false, outcome });
        return;
      }
      case "restart":
        if (opened === undefined) await mailboxes.restart(common);
        return;
      case "pass":
        await clock.advance(happening.ms);
        return;
      case "reopen":
        mailboxes = await reopen();
    }
  };

  for (const [step, happening] of history.entries()) {
    await happen(happening, step);
    expect(said).toEqual(meant);
    const waiting = await mailboxes.waiting("s");
    const held = opened?.items ?? [];
    const { mailbox, isExpiring } = await mailboxes.session("s");
    expect({ step, ...mailbox }).toEqual({ step, version: mailbox.version, ...summaryOf(waiting) });
    expect(mailbox.version).toBeGreaterThanOrEqual(version);
    ({ version } = mailbox);
    const fresh = waiting.filter((item) => item.expiresAt !== undefined && isFresh(item));
    expect(isExpiring).toBe(fresh.length > 0);
    expect(mailboxes.backlog).toBe(waiting.length);
    const inOrder = waiting.toSorted((a, b) => b.ahead - a.ahead || a.seq - b.seq);
    expect(idsOf(waiting)).toEqual(idsOf(inOrder));
    const unfinished = [...held, ...waiting].toSorted((a, b) => a.seq - b.seq);
    expect(idsOf(await mailboxes.unfinished("s"))).toEqual(idsOf(unfinished));
    const stray = waiting.filter(
      ({ steers }) => steers !== undefined && !unfinished.some(({ seq }) => seq === steers),
    );
    expect(idsOf(stray)).toEqual([]);
    expect(waiting.filter(({ ahead }) => ahead === 2).length).toBeLessThan(2);
  }
  const unfinished = await mailboxes.unfinished("s");
  for (const id of accepted) {
    const { state, item } = (await mailboxes.find("s", id))!;
    const open = unfinished.find((one) => one.id === id);
    expect({ id, state, item }).toEqual({
      id,
      state: open === undefined ? "settled" : "open",
      item: open ?? item,
    });
  }
}

/** What a mailbox's summary says, whatever has happened: it is what a lane decides by. */
export function claimSummary(createStore: CreateStore): void {
  describe("a mailbox's summary", () => {
    it("B12, B14: tells the highest priority of all that waits, and the group of what comes first", async () => {
      const { mailboxes } = await openStore(createStore);
      const summary = async () => {
        const { priority, group } = (await mailboxes.session("s")).mailbox;
        return [priority, group];
      };
      await accept(mailboxes, event("s", "e", { priority: "background", group: "events" }));
      expect(await summary()).toEqual(["background", "events"]);
      await accept(mailboxes, event("s", "q", { wakes: false }));
      expect(await summary()).toEqual(["normal", "events"]);
      const low = message("s", "low", "", { priority: "background", group: "webhook" });
      const { item } = await accept(mailboxes, low);
      expect(await summary()).toEqual(["normal", "webhook"]);
      await accept(mailboxes, message("s", "high", "", { group: "chat" }));
      expect(await summary()).toEqual(["foreground", "webhook"]);
      await running(mailboxes, [item]);
      expect(await summary()).toEqual(["foreground", "chat"]);
    });

    it("says what waits, in whatever way it came to wait; nothing vanishes, and nothing steers what is gone", async () => {
      expect.hasAssertions();
      await fc.assert(
        fc.asyncProperty(fc.array(happenings, { minLength: 5, maxLength: 30 }), (history) =>
          live(createStore, history),
        ),
        { numRuns: 60 },
      );
    });
  });
}

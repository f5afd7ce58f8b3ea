import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storedItem } from "../rules/stored-item.ts";
import { selectTurn } from "./selection.ts";
import type { StoredItem } from "../store/store.ts";

const settings = { retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 } };
const asleep = { isDue: false, attempts: 0 };

function item(seq: number, part: Partial<StoredItem> = {}): StoredItem {
  return storedItem({ seq, acceptedAt: seq, ...part });
}
function event(seq: number, part: Partial<StoredItem> = {}): StoredItem {
  return item(seq, { type: "event", ...part });
}
/** A message that is to share its turn with its neighbours. */
function collect(seq: number, part: Partial<StoredItem> = {}): StoredItem {
  return item(seq, { mode: "collect", ...part });
}
/** A message that is for the turn that holds another item, and no other. */
function steering(seq: number, steers: number): StoredItem {
  return item(seq, { mode: "steer", steers });
}
function choose(waiting: readonly StoredItem[], wake = asleep) {
  const selection = selectTurn(waiting, settings, wake);
  return selection && { ...selection, items: selection.items.map(({ seq }) => seq) };
}

describe("a turn", () => {
  it("is none where nothing waits, or only events that do not wake", () => {
    expect(choose([])).toBe(undefined);
    expect(choose([event(1, { wakes: false })])).toBe(undefined);
  });

  it("holds one message, the first", () => {
    expect(choose([item(1)])).toEqual({ items: [1], cause: "message", attempt: 1 });
    expect(choose([item(1), item(2)])).toEqual({ items: [1], cause: "message", attempt: 1 });
  });

  it("holds every event that waits, also those accepted after its message and those that do not wake (B8)", () => {
    const waiting = [event(1), item(2), event(3, { wakes: false }), item(4), event(5)];
    expect(choose(waiting)).toEqual({ items: [2, 1, 3, 5], cause: "message", attempt: 1 });
  });

  it("is an event's where only events wait and one of them wakes (B9)", () => {
    const waiting = [event(1, { wakes: false }), event(2)];
    expect(choose(waiting)).toEqual({ items: [1, 2], cause: "event", attempt: 1 });
    expect(choose(waiting, { isDue: true, attempts: 5 })?.cause).toBe("event");
  });

  it("is a wake's where one is due and nothing else would start a turn, and takes the quiet events along", () => {
    const wake = { isDue: true, attempts: 2 };
    expect(choose([], wake)).toEqual({ items: [], cause: "wake", attempt: 3 });
    expect(choose([event(1, { wakes: false })], wake)).toEqual({ items: [1], cause: "wake", attempt: 3 });
    expect(choose([item(1)], wake)?.cause).toBe("message");
  });

  it("counts its attempt by its message, or by the event that was tried most", () => {
    expect(choose([item(1, { failures: 1, reclaims: 1, crashes: 1 })])?.attempt).toBe(4);
    expect(choose([item(1, { failures: 1 }), event(2, { failures: 2 })])?.attempt).toBe(2);
    expect(choose([event(1, { failures: 1 }), event(2, { crashes: 2 })])?.attempt).toBe(3);
  });

  it("that is a message's last attempt leaves out the events that failed with it before (B31a)", () => {
    const last = { failures: 2, lastTurnId: "turn-2" };
    const waiting = [
      item(1, last),
      event(2, { ...last, failedWith: [1] }),
      event(3),
      event(4, { failures: 1, lastTurnId: "turn-0", failedWith: [7] }),
      event(5, { failures: 2, lastTurnId: "turn-3", failedWith: [7, 1] }),
    ];
    expect(choose(waiting)?.items).toEqual([1, 3, 4]);
    const before = { failures: 1, lastTurnId: "turn-1" };
    expect(choose([item(1, before), event(2, { ...before, failedWith: [1] })])?.items).toEqual([1, 2]);
  });

  it("that was reclaimed or handed back with its message keeps its events", () => {
    const together = { failures: 0, reclaims: 2, lastTurnId: "turn-2" };
    expect(choose([item(1, together), event(2, together)])?.items).toEqual([1, 2]);
  });
});

describe("a turn of a batch (B18)", () => {
  it("holds the collect messages at the head, in order, up to another that is none", () => {
    expect(choose([collect(1)])?.items).toEqual([1]);
    expect(choose([collect(1), collect(2), collect(3)])?.items).toEqual([1, 2, 3]);
    for (const mode of ["followup", "steer", "interrupt", "reject"] as const)
      expect(choose([collect(1), collect(2), item(3, { mode }), collect(4)])?.items).toEqual([1, 2]);
  });

  it("is none where another message is at the head", () => {
    for (const mode of ["followup", "steer", "interrupt", "reject"] as const)
      expect(choose([item(1, { mode }), collect(2), collect(3)])?.items).toEqual([1]);
  });

  it("holds neighbours that events and steering came between, and the events", () => {
    const waiting = [
      collect(1),
      event(2),
      collect(3),
      steering(4, 2),
      event(5, { wakes: false }),
      collect(6),
    ];
    expect(choose(waiting)).toEqual({ items: [1, 3, 6, 2, 5], cause: "message", attempt: 1 });
  });

  it("that is tried again stays as it was: what came later is a batch of its own", () => {
    const again = { failures: 1, lastTurnId: "turn-1" };
    const waiting = [collect(1, again), collect(2, again), collect(3), collect(4)];
    expect(choose(waiting)).toEqual({ items: [1, 2], cause: "message", attempt: 2 });
    expect(choose(waiting.slice(1))).toEqual({ items: [2], cause: "message", attempt: 2 });
    expect(choose(waiting.slice(2))).toEqual({ items: [3, 4], cause: "message", attempt: 1 });
  });

  it("holds no message that another turn held", () => {
    const other = { reclaims: 1, lastTurnId: "turn-0" };
    expect(choose([collect(1), collect(2, other), collect(3)])?.items).toEqual([1]);
    expect(choose([collect(1, other), collect(2, { lastTurnId: "turn-1" })])?.items).toEqual([1]);
  });

  it("leaves out on its last attempt the events that failed with it before (B31a)", () => {
    const last = { failures: 2, lastTurnId: "turn-2" };
    const waiting = [collect(1, last), collect(2, last), event(3, { ...last, failedWith: [1, 2] }), event(4)];
    expect(choose(waiting)?.items).toEqual([1, 2, 4]);
  });
});

describe("steering (B19)", () => {
  it("is no message of its own while what it steers may be tried again", () => {
    expect(choose([steering(2, 1)])).toBe(undefined);
    expect(choose([item(1), steering(2, 1)])?.items).toEqual([1]);
    expect(choose([steering(2, 1), event(1)])).toEqual({ items: [1], cause: "event", attempt: 1 });
    expect(choose([steering(2, 1)], { isDue: true, attempts: 0 })).toEqual({
      items: [],
      cause: "wake",
      attempt: 1,
    });
  });

  it("that nobody took is a turn of its own, before what waited", () => {
    const released = item(9, { mode: "steer", ahead: 1 });
    expect(choose([released, item(2), event(3)])).toEqual({ items: [9, 3], cause: "message", attempt: 1 });
    expect(choose([released, collect(2)])?.items).toEqual([9]);
  });
});

describe("every turn", () => {
  it("holds the head and its batch, only what waits, and every event but those left out", () => {
    const items = fc.array(
      fc.record({
        type: fc.constantFrom<StoredItem["type"]>("message", "event"),
        mode: fc.constantFrom<StoredItem["mode"]>("followup", "collect", "steer"),
        steers: fc.constantFrom(undefined, undefined, 99),
        wakes: fc.boolean(),
        failures: fc.nat(3),
        lastTurnId: fc.constantFrom(undefined, "turn-1", "turn-2"),
        failedWith: fc.array(fc.nat(8), { maxLength: 2 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(items, fc.boolean(), (parts, isDue) => {
        const waiting = parts.map(({ type, mode, steers, ...part }, index) =>
          type === "event" ? event(index, part) : item(index, { mode, steers, ...part }),
        );
        const selection = selectTurn(waiting, settings, { isDue, attempts: 0 });
        const messages = waiting.filter(({ type, steers }) => type === "message" && steers === undefined);
        const mayStart =
          isDue || messages.length > 0 || waiting.some(({ type, wakes }) => type === "event" && wakes);
        expect(selection !== undefined).toBe(mayStart);
        const held = selection?.items ?? [];
        const [head, ...others] = messages;
        const isBatched = ({ mode, lastTurnId }: StoredItem): boolean =>
          head?.mode === "collect" && mode === "collect" && lastTurnId === head.lastTurnId;
        const end = others.findIndex((other) => !isBatched(other));
        const batch = end === -1 ? messages : messages.slice(0, end + 1);
        expect(held.filter(({ type }) => type === "message")).toEqual(batch);
        const leftOut = waiting.filter((one) => mayStart && one.type === "event" && !held.includes(one));
        expect(leftOut.every(({ failedWith }) => failedWith.includes(head!.seq))).toBe(true);
        expect(new Set(held).size).toBe(held.length);
      }),
    );
  });
});

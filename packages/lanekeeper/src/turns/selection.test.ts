import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selectTurn } from "./selection.ts";
import type { StoredItem } from "../store/store.ts";

const settings = { retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 } };
const asleep = { isDue: false, attempts: 0 };

function item(seq: number, part: Partial<StoredItem> = {}): StoredItem {
  return {
    seq,
    id: `item-${seq}`,
    sessionKey: "chat",
    type: "message",
    body: seq,
    kind: "",
    key: undefined,
    meta: undefined,
    acceptedAt: seq,
    wakes: true,
    incarnation: undefined,
    failures: 0,
    reclaims: 0,
    crashes: 0,
    retryAt: undefined,
    lastTurnId: undefined,
    ...part,
  };
}
function event(seq: number, part: Partial<StoredItem> = {}): StoredItem {
  return item(seq, { type: "event", ...part });
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
      event(2, last),
      event(3),
      event(4, { failures: 1, lastTurnId: "turn-0" }),
    ];
    expect(choose(waiting)?.items).toEqual([1, 3, 4]);
    const before = { failures: 1, lastTurnId: "turn-1" };
    expect(choose([item(1, before), event(2, before)])?.items).toEqual([1, 2]);
  });

  it("that was reclaimed or handed back with its message keeps its events", () => {
    const together = { failures: 0, reclaims: 2, lastTurnId: "turn-2" };
    expect(choose([item(1, together), event(2, together)])?.items).toEqual([1, 2]);
  });

  it("holds at most one message, only what waits, and every event but those left out", () => {
    const items = fc.array(
      fc.record({
        type: fc.constantFrom<StoredItem["type"]>("message", "event"),
        wakes: fc.boolean(),
        failures: fc.nat(3),
        lastTurnId: fc.constantFrom(undefined, "turn-1", "turn-2"),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(items, fc.boolean(), (parts, isDue) => {
        const waiting = parts.map((part, index) => item(index, part));
        const selection = selectTurn(waiting, settings, { isDue, attempts: 0 });
        const mayStart = isDue || waiting.some(({ type, wakes }) => type === "message" || wakes);
        expect(selection !== undefined).toBe(mayStart);
        const held = selection?.items ?? [];
        const messages = waiting.filter(({ type }) => type === "message");
        expect(held.filter(({ type }) => type === "message")).toEqual(messages.slice(0, mayStart ? 1 : 0));
        const leftOut = waiting.filter((one) => mayStart && one.type === "event" && !held.includes(one));
        expect(leftOut.every(({ lastTurnId }) => lastTurnId === messages[0]?.lastTurnId)).toBe(true);
        expect(new Set(held).size).toBe(held.length);
      }),
    );
  });
});

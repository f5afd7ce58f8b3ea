import { describe, expect, it } from "vitest";
import { storedItem } from "../rules/stored-item.ts";
import { createLaneBook, type LaneBook } from "./lane-book.ts";
import { completeLaneOptions, type LaneSettings } from "./lane-options.ts";

/** A callback of the host that failed, and how. */
interface Failure {
  readonly place: string;
  readonly error: unknown;
}

/** A book, and what it reports of the host's callbacks. */
function bookOf(
  laneFor: ((sessionKey: string) => unknown) | undefined,
  laneSettings: LaneSettings = {},
  capacity: { waiting: number | undefined } = { waiting: undefined },
): { readonly book: LaneBook; readonly failures: readonly Failure[]; readonly lane: object } {
  const failures: Failure[] = [];
  const lane = completeLaneOptions(laneSettings);
  const callbackFailed = (place: string, error: unknown): void => void failures.push({ place, error });
  return {
    book: createLaneBook({ lane, laneSettings, laneFor }, capacity, { callbackFailed }),
    failures,
    lane,
  };
}

function thrower(error: unknown): () => never {
  return () => {
    throw error;
  };
}

describe("the settings of a session", () => {
  it("are the keeper's where it has none of its own", () => {
    const { book, lane } = bookOf(undefined, { cap: 7 });
    expect(book.lookUp("a")).toBe(lane);
    const given = bookOf(() => undefined, { cap: 7 });
    expect(given.book.lookUp("a")).toBe(given.lane);
    expect(given.failures).toEqual([]);
  });

  it("come on top of the keeper's: what is left out, or undefined, stays (B11)", () => {
    const { book } = bookOf(
      (sessionKey) => (sessionKey === "a" ? { mode: "collect", cap: undefined, retry: { attempts: 9 } } : {}),
      { cap: 7, mode: "steer", retry: { baseMs: 5, maxMs: 50 } },
    );
    expect(book.lookUp("a")).toMatchObject({
      mode: "collect",
      cap: 7,
      retry: { attempts: 9, baseMs: 5, maxMs: 50 },
    });
    expect(book.lookUp("b")).toMatchObject({ mode: "steer", cap: 7, retry: { attempts: 3, baseMs: 5 } });
  });

  it("keep the keeper's retry where they say nothing of it", () => {
    const retry = { attempts: 5, baseMs: 2, maxMs: 4 };
    const { book } = bookOf(() => ({ cap: 1, retry: { attempts: undefined } }), { retry });
    expect(book.lookUp("a").retry).toEqual(retry);
  });

  it("are looked up by the session's key, each time anew", () => {
    const asked: string[] = [];
    const { book } = bookOf((sessionKey) => ({ cap: asked.push(sessionKey) }));
    expect([book.lookUp("a").cap, book.lookUp("b").cap, book.lookUp("a").cap]).toEqual([1, 2, 3]);
    expect(asked).toEqual(["a", "b", "a"]);
  });

  it("move a default that they break, as the keeper's own do", () => {
    const { book, failures } = bookOf(() => ({ reclaimAfterMs: 50, debounceMaxMs: 10 }));
    const { stallAfterMs, debounceMs } = book.lookUp("a");
    expect(stallAfterMs).toBeLessThan(50);
    expect(debounceMs).toBe(10);
    expect(failures).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["is no object", "collect"],
    ["is a promise", Promise.resolve({ cap: 1 })],
    ["is null", null],
    ["has a bad value", { cap: 0 }],
    ["has an unknown key", { surprise: 1 }],
    ["breaks a relation within itself", { stallAfterMs: 9, reclaimAfterMs: 9 }],
    ["breaks a relation with the keeper's settings", { stallAfterMs: 2_000 }],
    ["breaks another", { debounceMs: 200 }],
    ["breaks a relation of retry", { retry: { baseMs: 60 } }],
  ])("are the keeper's where what laneFor gives %s, and it is logged (I1, B5)", (_, given) => {
    const settings = { reclaimAfterMs: 1_000, debounceMaxMs: 100, retry: { maxMs: 50 } };
    const { book, failures, lane } = bookOf(() => given, settings);
    expect(book.lookUp("a")).toBe(lane);
    expect(failures).toMatchObject([{ place: "laneFor", error: { code: "INVALID_OPTION" } }]);
    expect((failures[0]!.error as Error).message).toContain("laneFor");
  });

  it("are the keeper's where laneFor throws, and it is logged (I1, B5)", () => {
    for (const thrown of [new Error("no settings today"), undefined]) {
      const { book, failures, lane } = bookOf(thrower(thrown));
      expect(book.lookUp("a")).toBe(lane);
      expect(failures).toEqual([{ place: "laneFor", error: thrown }]);
    }
  });
});

describe("what a mailbox takes", () => {
  it("is what its settings say, and one object for the same settings", () => {
    const { book } = bookOf((sessionKey) => (sessionKey === "a" ? { cap: 2 } : undefined), {
      eventCap: 5,
      overflow: "summarize",
      dedupeMs: 9,
    });
    const [a, b] = [book.lookUp("a"), book.lookUp("b")];
    expect(book.limitsOf(a)).toMatchObject({ cap: 2, eventCap: 5, overflow: "summarize", dedupeMs: 9 });
    expect(book.limitsOf(b)).toMatchObject({ cap: 20, eventCap: 5 });
    expect(book.limitsOf(b)).toBe(book.limitsOf(book.lookUp("c")));
  });

  it("is bounded over all sessions by the capacity as it is now (B12, B16)", () => {
    const capacity = { waiting: 3 as number | undefined };
    const { book } = bookOf(undefined, {}, capacity);
    const limits = book.limitsOf(book.lookUp("a"));
    expect(limits.backlog).toBe(3);
    capacity.waiting = undefined;
    expect(limits.backlog).toBe(undefined);
  });
});

describe("the line for a dropped message (B22)", () => {
  const lineOf = ({ book }: Pick<ReturnType<typeof bookOf>, "book">, body: unknown): string =>
    book.limitsOf(book.lookUp("a")).summarize(storedItem({ body }));

  it("is the host's, as one line of 160 units at most", () => {
    const told: unknown[] = [];
    const summarize = (body: unknown): string => {
      told.push(body);
      return ` ${"about\n".repeat(99)}`;
    };
    const given = bookOf(undefined, { summarize });
    const line = lineOf(given, { topic: "x" });
    expect(told).toEqual([{ topic: "x" }]);
    expect(line).toHaveLength(160);
    expect(line).toMatch(/^about about .*…$/);
    expect(given.failures).toEqual([]);
  });

  it("is made by the session's own settings", () => {
    const given = bookOf(() => ({ summarize: () => "its own" }), { summarize: () => "the keeper's" });
    expect(lineOf(given, "x")).toBe("its own");
  });

  it("is the text itself where the host says nothing of it", () => {
    expect(lineOf(bookOf(undefined), "hello\nworld")).toBe("hello world");
    expect(lineOf(bookOf(undefined), { text: "hi" })).toBe("hi");
  });

  it.each([
    ["throws", thrower(new Error("no line today"))],
    ["gives no text", () => 5 as unknown as string],
    ["gives a promise", () => Promise.resolve("line") as unknown as string],
  ])("is the usual one where summarize %s, and it is logged (I1, B5)", (_, summarize) => {
    const given = bookOf(undefined, { summarize });
    expect(lineOf(given, "hello")).toBe("hello");
    expect(given.failures).toMatchObject([{ place: "summarize" }]);
  });

  it("is one where nothing can be said of the body", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    const unreadable = Object.defineProperty({}, "text", { get: thrower(new Error("unreadable")) });
    for (const body of [cyclic, 5n, unreadable, { toJSON: thrower(new Error("no JSON")) }])
      for (const summarize of [undefined, thrower(new Error("no line"))])
        expect(lineOf(bookOf(undefined, { summarize }), body)).toBe("a message that cannot be summarised");
  });
});

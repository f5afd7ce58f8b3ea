import { Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { SessionView } from "../seeing/views.ts";
import { liveSessions } from "./live-sessions.ts";

type Query = Parameters<Lanekeeper["sessions"]>[0];
type Page = Awaited<ReturnType<Lanekeeper["sessions"]>>;

/** What the keeper was asked, and whether its events were taken then; the test answers. */
interface Question extends PromiseWithResolvers<Page> {
  readonly query: Query;
  readonly isObserved: boolean;
}

/** A keeper whose answers and events the test gives. */
function askedKeeper() {
  const events$ = new Subject<LanekeeperEvent>();
  const live = new Map<string, SessionView>();
  const asked: Question[] = [];
  const looked: string[] = [];
  return {
    events$,
    live,
    asked,
    looked,
    session: (sessionKey: string) => {
      looked.push(sessionKey);
      return live.get(sessionKey);
    },
    sessions: (query: Query) => {
      const question = { query, isObserved: events$.observed, ...Promise.withResolvers<Page>() };
      asked.push(question);
      return question.promise;
    },
    /** Something happens to a session. */
    touch: (sessionKey: string) =>
      events$.next({ type: "session.cleared", at: 0, sessionKey, count: 1, reason: undefined }),
    passivate: (sessionKey: string) => events$.next({ type: "lane.passivated", at: 0, sessionKey }),
    forget: (sessionKey: string) => events$.next({ type: "session.forgotten", at: 0, sessionKey }),
  };
}

function view(sessionKey: string, facts: Partial<SessionView> = {}): SessionView {
  return {
    sessionKey,
    agent: "main",
    state: "idle",
    detail: "idle",
    waiting: 0,
    events: 0,
    zombies: 0,
    incarnation: 1,
    paused: false,
    ...facts,
  };
}

/** Lets what is ready run, for so many turns of the event loop. */
async function loop(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function watch(keeper: ReturnType<typeof askedKeeper>) {
  const tables: ReadonlyMap<string, SessionView>[] = [];
  const ends: unknown[] = [];
  const subscription = liveSessions(keeper).subscribe({
    next: (table) => tables.push(table),
    error: (error) => ends.push(error),
    complete: () => ends.push("completed"),
  });
  const row = (sessionKey: string): SessionView | undefined => tables.at(-1)?.get(sessionKey);
  return { tables, ends, subscription, row };
}

describe("a keeper that is read for a live table", () => {
  it("has its events taken before the first page is asked for", async () => {
    const keeper = askedKeeper();
    watch(keeper);
    await loop(1);
    expect(keeper.asked).toMatchObject([{ isObserved: true, query: { after: undefined } }]);
  });

  it("tells nothing before every page is read, and then what happened meanwhile too", async () => {
    const keeper = askedKeeper();
    const { tables, row } = watch(keeper);
    await loop(1);
    keeper.asked[0]!.resolve({ sessions: [view("a"), view("b")], next: "b" });
    await loop(1);
    keeper.live.set("a", view("a", { state: "busy", detail: "busy.running" }));
    keeper.touch("a");
    keeper.live.set("new", view("new", { waiting: 1 }));
    keeper.touch("new");
    await loop(3);
    expect(tables).toEqual([]);
    keeper.asked[1]!.resolve({ sessions: [view("c")] });
    await loop(3);
    expect(keeper.asked.map(({ query }) => query?.after)).toEqual([undefined, "b"]);
    expect(tables.map((table) => [...table.keys()])).toEqual([["a", "b", "c", "new"]]);
    expect([row("a")?.state, row("new")?.waiting]).toEqual(["busy", 1]);
  });

  it("is asked again about a session that changed while its page was on its way", async () => {
    const keeper = askedKeeper();
    const { row } = watch(keeper);
    await loop(1);
    keeper.touch("a");
    keeper.asked[0]!.resolve({ sessions: [view("a", { waiting: 1 }), view("b")] });
    await loop(3);
    expect(keeper.asked[1]?.query).toEqual({ prefix: "a", limit: 1 });
    keeper.touch("a");
    keeper.asked[1]!.resolve({ sessions: [view("a", { waiting: 2 })] });
    await loop(3);
    keeper.asked[2]!.resolve({ sessions: [view("a", { waiting: 3 })] });
    await loop(3);
    expect([row("a")?.waiting, row("b")?.waiting, keeper.asked.length]).toEqual([3, 0, 3]);
  });

  it("may answer with a session that only begins like the one asked for", async () => {
    const keeper = askedKeeper();
    const { tables } = watch(keeper);
    await loop(1);
    keeper.asked[0]!.resolve({ sessions: [view("a")] });
    await loop(3);
    keeper.touch("a");
    await loop(3);
    keeper.asked[1]!.resolve({ sessions: [view("ab")] });
    await loop(3);
    expect(tables.map((table) => [...table.keys()])).toEqual([["a"], []]);
  });

  it("may forget a session, which is gone at once without another question", async () => {
    const keeper = askedKeeper();
    const { tables } = watch(keeper);
    await loop(1);
    keeper.asked[0]!.resolve({ sessions: [view("a"), view("b")] });
    await loop(3);
    keeper.forget("a");
    await loop(3);
    expect(tables.map((table) => [...table.keys()])).toEqual([["a", "b"], ["b"]]);
    expect(keeper.asked).toHaveLength(1);
  });

  it("may forget a session that it is being asked about", async () => {
    const keeper = askedKeeper();
    const { tables } = watch(keeper);
    await loop(1);
    keeper.forget("early");
    keeper.asked[0]!.resolve({ sessions: [view("a"), view("early")] });
    await loop(3);
    keeper.asked[1]!.resolve({ sessions: [] });
    keeper.touch("a");
    await loop(3);
    keeper.forget("a");
    keeper.asked[2]!.resolve({ sessions: [view("a")] });
    await loop(3);
    keeper.asked[3]!.resolve({ sessions: [] });
    await loop(3);
    expect(keeper.asked.map(({ query }) => query?.prefix)).toEqual([undefined, "early", "a", "a"]);
    expect(tables.map((table) => [...table.keys()])).toEqual([["a"], []]);
  });

  it("may tell that it forgot a session after that has begun anew", async () => {
    const keeper = askedKeeper();
    const { tables } = watch(keeper);
    await loop(1);
    keeper.asked[0]!.resolve({ sessions: [view("a")] });
    await loop(3);
    keeper.live.set("a", view("a", { incarnation: 2 }));
    keeper.touch("a");
    keeper.forget("a");
    await loop(3);
    keeper.forget("a");
    await loop(3);
    expect(tables.at(-1)?.get("a")).toEqual(view("a", { incarnation: 2 }));
  });

  it("is not asked about an idle session that falls asleep, but about one that was not seen idle", async () => {
    const keeper = askedKeeper();
    const { row } = watch(keeper);
    await loop(1);
    const rebuilding = { state: "reclaimed", detail: "reclaimed.settling" } as const;
    keeper.asked[0]!.resolve({ sessions: [view("a"), view("b", rebuilding)] });
    await loop(3);
    keeper.passivate("a");
    keeper.passivate("b");
    await loop(3);
    expect(keeper.asked.map(({ query }) => query?.prefix)).toEqual([undefined, "b"]);
    keeper.asked[1]!.resolve({ sessions: [view("b")] });
    await loop(3);
    expect(row("b")).toEqual(view("b"));
  });

  it("is left alone once the table is unsubscribed while a page is on its way", async () => {
    const keeper = askedKeeper();
    const { tables, subscription } = watch(keeper);
    await loop(1);
    keeper.touch("a");
    keeper.asked[0]!.resolve({ sessions: [view("a")], next: "a" });
    await loop(1);
    subscription.unsubscribe();
    expect(keeper.events$.observed).toBe(false);
    keeper.asked[1]!.resolve({ sessions: [view("b")], next: "b" });
    await loop(5);
    expect([keeper.asked.length, keeper.looked, tables]).toEqual([2, [], []]);
  });

  it("is left alone once the table is unsubscribed while something is to be looked at", async () => {
    const keeper = askedKeeper();
    const { tables, subscription } = watch(keeper);
    await loop(1);
    keeper.asked[0]!.resolve({ sessions: [view("a")] });
    await loop(3);
    keeper.touch("a");
    await loop(1);
    subscription.unsubscribe();
    await loop(5);
    expect([keeper.asked.length, keeper.looked, tables.length]).toEqual([1, [], 1]);
  });

  it("ends the table with its error, and is read anew by who subscribes again", async () => {
    const keeper = askedKeeper();
    const failed = new Error("the store failed");
    const first = watch(keeper);
    await loop(1);
    keeper.asked[0]!.reject(failed);
    await loop(1);
    expect([first.tables, first.ends, keeper.events$.observed]).toEqual([[], [failed], false]);
    const second = watch(keeper);
    await loop(1);
    keeper.asked[1]!.resolve({ sessions: [view("a")] });
    await loop(3);
    expect([second.tables.length, second.ends]).toEqual([1, []]);
  });

  it("completes the table when it closes, though it refuses to be read before", async () => {
    const keeper = askedKeeper();
    const { ends } = watch(keeper);
    await loop(1);
    keeper.asked[0]!.reject(new LanekeeperError("CLOSED", "closed"));
    await loop(1);
    expect(ends).toEqual([]);
    keeper.events$.complete();
    expect(ends).toEqual(["completed"]);
  });
});

import { memoryStore } from "lanekeeper";
import type { Mailboxes, MailboxLimits, NewItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import { scriptStore, type ScriptedStore, type StoreFate, type StoreStep } from "./scripted-store.ts";
import { createVirtualTime, type VirtualTime } from "./virtual-time.ts";

const limits: MailboxLimits = {
  cap: 10,
  eventCap: 10,
  overflow: "reject",
  summarize: () => "",
  backlog: undefined,
  dedupeMs: 60_000,
};

function message(id: string): NewItem {
  const usual = { mode: "followup", priority: "foreground", wakes: true, body: id } as const;
  return { sessionKey: "s", id, type: "message", ...usual };
}

interface Scene {
  readonly time: VirtualTime;
  readonly store: ScriptedStore;
  readonly mailboxes: Mailboxes;
  open(): Promise<Mailboxes>;
}

async function openStore(fateOf?: (step: StoreStep) => StoreFate | undefined): Promise<Scene> {
  const time = createVirtualTime();
  const store = scriptStore(memoryStore(), fateOf, time.after);
  const open = async (): Promise<Mailboxes> => store.open({ clock: time.clock, createId: () => "made" });
  return { time, store, open, mailboxes: await open() };
}

/** What a promise has come to by now. */
async function stateOf(time: VirtualTime, promise: PromiseLike<unknown>): Promise<string> {
  let state = "pending";
  promise.then(
    () => (state = "resolved"),
    (error: unknown) => (state = (error as Error).message),
  );
  await time.advance(0);
  return state;
}

const refusal = (option: string): unknown =>
  expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) });

describe("a scripted store", () => {
  it("does as the store behind it does where nothing is scripted, at once", async () => {
    const { mailboxes, store } = await openStore();
    expect(mailboxes.append(message("a"), limits)).toMatchObject({ status: "accepted" });
    expect([mailboxes.backlog, mailboxes.isHeld]).toEqual([1, true]);
    expect(store.steps).toEqual(["open", "append"]);
  });

  it.for([
    { fault: "fails", happens: false, state: "the store failed in append" },
    { fault: "fails-afterwards", happens: true, state: "the store failed after append" },
    { fault: "answer-lost", happens: true, state: "pending" },
    { fault: "never-arrives", happens: false, state: "pending" },
  ] as const)("$fault as it is called", async ({ fault, happens, state }) => {
    const { mailboxes, time } = await openStore((step) => (step === "append" ? { fault } : undefined));
    const answer = Promise.resolve(mailboxes.append(message("a"), limits));
    expect(await stateOf(time, answer)).toBe(state);
    expect(mailboxes.backlog).toBe(happens ? 1 : 0);
  });

  it("throws in the call where it is told to", async () => {
    const { mailboxes } = await openStore((step) => (step === "append" ? { fault: "throws" } : undefined));
    expect(() => mailboxes.append(message("a"), limits)).toThrow("the store threw in append");
    expect(mailboxes.backlog).toBe(0);
  });

  it("answers as late as told, with what was true when the step happened", async () => {
    const { mailboxes, time } = await openStore((step) =>
      step === "waiting" ? { answersAfterMs: 50 } : undefined,
    );
    await mailboxes.append(message("a"), limits);
    const answer = Promise.resolve(mailboxes.waiting("s"));
    await mailboxes.append(message("b"), limits);
    expect(await stateOf(time, answer)).toBe("pending");
    await time.advance(50);
    expect((await answer).map(({ id }) => id)).toEqual(["a"]);
  });

  it("forgets nothing in a crash; the keeper that had it hears nothing more and can do nothing more", async () => {
    const { mailboxes, store, time, open } = await openStore((step) =>
      step === "append" ? { answersAfterMs: 50 } : undefined,
    );
    const unanswered = Promise.resolve(mailboxes.append(message("a"), limits));
    await store.crash();
    await time.advance(1_000);
    expect(await stateOf(time, unanswered)).toBe("pending");
    const next = await open();
    expect((await next.waiting("s")).map(({ id }) => id)).toEqual(["a"]);
    expect(await stateOf(time, Promise.resolve(mailboxes.discard("x")))).toBe("pending");
    expect([mailboxes.isHeld, next.isHeld]).toEqual([false, true]);
  });

  it.for([
    ["fault", { fault: "bogus" }],
    ["answersAfterMs", { answersAfterMs: -1 }],
    ["faults", { faults: "fails" }],
    ["options", "fails"],
  ] as const)("refuses a fate whose %s it does not know, in the step", async ([option, fate]) => {
    const { mailboxes } = await openStore((step) => (step === "append" ? (fate as StoreFate) : undefined));
    expect(() => mailboxes.append(message("a"), limits)).toThrow(refusal(option));
    expect(mailboxes.backlog).toBe(0);
  });

  it("refuses what is no store, no script and no way to wait", () => {
    const none = undefined as unknown as () => undefined;
    const no = 5 as unknown as () => undefined;
    expect(() => scriptStore(none as unknown as ScriptedStore)).toThrow(refusal("store"));
    expect(() => scriptStore(memoryStore(), no)).toThrow(refusal("fateOf"));
    expect(() => scriptStore(memoryStore(), none, no)).toThrow(refusal("after"));
  });
});

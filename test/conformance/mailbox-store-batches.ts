import type { Mailboxes, StoredItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  type CreateStore,
  event,
  limits,
  message,
  openStore,
  returned,
  running,
  settle,
  type StoreInUse,
} from "./mailbox-store-fixture.ts";

/** Accepts a message that is to share its turn with its neighbours. */
async function collect(mailboxes: Mailboxes, id: string): Promise<StoredItem> {
  return (await accept(mailboxes, message("s", id, id, { mode: "collect" }))).item;
}

/** The batch at the head. */
async function batchIn(mailboxes: Mailboxes): Promise<unknown> {
  return (await mailboxes.session("s")).mailbox.batch;
}

/** Accepts collect messages, ten milliseconds apart. */
async function collectAll(
  { mailboxes, clock }: StoreInUse,
  ids: readonly string[],
): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  for (const id of ids) {
    items.push(await collect(mailboxes, id));
    await clock.advance(10);
  }
  return items;
}

/** What a batch of these messages is told as. */
function batchOf(...items: readonly StoredItem[]): object {
  const [first] = items;
  return {
    firstSeq: first!.seq,
    firstMono: first!.acceptedMono,
    lastMono: items.at(-1)!.acceptedMono,
    count: items.length,
  };
}

/** What a mailbox's summary says of the batch at the head (B18). */
export function claimBatches(createStore: CreateStore): void {
  describe("the batch at the head (B18)", () => {
    it("is none where no collect message is", async () => {
      const { mailboxes } = await openStore(createStore);
      expect(await batchIn(mailboxes)).toBeNull();
      await accept(mailboxes, event("s", "e"));
      await accept(mailboxes, message("s", "a"));
      await collect(mailboxes, "b");
      expect(await batchIn(mailboxes)).toBeNull();
    });

    it("tells its first and last message and how many there are", async () => {
      const store = await openStore(createStore);
      const [a] = await collectAll(store, ["a"]);
      expect(await batchIn(store.mailboxes)).toEqual(batchOf(a!));
      const [b, c] = await collectAll(store, ["b", "c"]);
      expect(await batchIn(store.mailboxes)).toEqual(batchOf(a!, b!, c!));
    });

    it("ends where another kind of message waits", async () => {
      const store = await openStore(createStore);
      const [a, b] = await collectAll(store, ["a", "b"]);
      await accept(store.mailboxes, message("s", "other", "", { mode: "steer" }));
      await collectAll(store, ["c"]);
      expect(await batchIn(store.mailboxes)).toEqual(batchOf(a!, b!));
    });

    it("goes on over events, and over what steers a turn", async () => {
      const store = await openStore(createStore);
      const { mailboxes } = store;
      const { item } = await accept(mailboxes, event("s", "e1"));
      const [a] = await collectAll(store, ["a"]);
      await running(mailboxes, [item]);
      await accept(mailboxes, event("s", "e2"));
      await accept(mailboxes, message("s", "steering", "", { mode: "steer", steersTurn: "t" }));
      const [b] = await collectAll(store, ["b"]);
      expect(await batchIn(mailboxes)).toEqual(batchOf(a!, b!));
    });

    it("waits behind steering that nobody took, and behind an interrupt", async () => {
      const store = await openStore(createStore);
      const { mailboxes } = store;
      const [a, b] = await collectAll(store, ["a", "b"]);
      const end = await running(mailboxes, [a!]);
      await accept(mailboxes, message("s", "steering", "", { mode: "steer", steersTurn: "t" }));
      expect(await batchIn(mailboxes)).toEqual(batchOf(b!));
      await settle(mailboxes, end, returned(a!, "nothing"));
      expect(await batchIn(mailboxes)).toBeNull();
      const other = await openStore(createStore);
      await collectAll(other, ["c"]);
      await accept(other.mailboxes, message("s", "i", "", { mode: "interrupt" }));
      expect(await batchIn(other.mailboxes)).toBeNull();
    });

    it("is none while one that was tried before is at the head, and has none of its messages", async () => {
      const store = await openStore(createStore);
      const { mailboxes } = store;
      const [a, b] = await collectAll(store, ["a", "b"]);
      const end = await running(mailboxes, [a!, b!]);
      const [c] = await collectAll(store, ["c"]);
      expect(await batchIn(mailboxes)).toEqual(batchOf(c!));
      await settle(mailboxes, end, returned(a!), returned(b!));
      expect(await batchIn(mailboxes)).toBeNull();
      await running(mailboxes, [a!, b!], "t2");
      expect(await batchIn(mailboxes)).toEqual(batchOf(c!));
    });

    it("ends where a message waits that a turn has held", async () => {
      const store = await openStore(createStore);
      const { mailboxes } = store;
      const [a, b] = await collectAll(store, ["a", "b", "c"]);
      await settle(mailboxes, await running(mailboxes, [b!]), returned(b!, "nothing"));
      expect(await batchIn(mailboxes)).toEqual(batchOf(a!));
    });

    it("is what is left where some of its messages are withdrawn", async () => {
      const store = await openStore(createStore);
      const { mailboxes } = store;
      const [a, b, c] = await collectAll(store, ["a", "b", "c"]);
      const cancelled = { status: "cancelled", reason: "cancelled" } as const;
      const request = { sessionKey: "s", events: false, isFresh: false, outcome: cancelled };
      const withdraw = async ({ seq }: StoredItem): Promise<unknown> =>
        (await mailboxes.withdraw({ ...request, seqs: [seq], dedupeMs: limits.dedupeMs })).mailbox.batch;
      expect(await withdraw(b!)).toEqual(batchOf(a!, c!));
      expect(await withdraw(a!)).toEqual(batchOf(c!));
      expect(await withdraw(c!)).toBeNull();
    });
  });
}

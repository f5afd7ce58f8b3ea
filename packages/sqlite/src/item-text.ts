import type { StoredItem } from "lanekeeper/ports";

/** An item as a row keeps it, but for its body: what is as with most items is left out. */
export type PlainItem = Partial<Omit<StoredItem, "seq" | "sessionKey" | "acceptedMono" | "body">> &
  Pick<StoredItem, "id" | "acceptedAt"> & {
    readonly mono: number;
    /** The opening of the file to whose clock `mono` belongs. */
    readonly opening: number;
  };

/** What is left out. */
const usual = {
  type: "message",
  mode: "followup",
  priority: "foreground",
  group: undefined,
  kind: "",
  key: undefined,
  meta: undefined,
  wakes: true,
  incarnation: undefined,
  origin: "person",
  failures: 0,
  reclaims: 0,
  crashes: 0,
  retryAt: undefined,
  lastTurnId: undefined,
  failedWith: [] as readonly number[],
  expiresAt: undefined,
  steers: undefined,
  ahead: 0,
} as const satisfies Partial<StoredItem>;

const members = Object.entries(usual) as [keyof typeof usual, unknown][];

/** How time ran when the file was opened, and which opening that was. */
export interface Opening {
  readonly number: number;
  readonly now: number;
  readonly monotonic: number;
}

/** An item for its row. */
export function toPlainItem(item: StoredItem, { number }: Opening): PlainItem {
  const plain: Record<string, unknown> = {
    id: item.id,
    acceptedAt: item.acceptedAt,
    mono: item.acceptedMono,
    opening: number,
  };
  for (const [name, value] of members) {
    const own = item[name];
    if (own !== value && !(name === "failedWith" && item.failedWith.length === 0)) plain[name] = own;
  }
  return plain as unknown as PlainItem;
}

/**
 * When an item was accepted, on this opening's monotonic clock. One of an earlier opening has waited as long as the wall
 * clock says: its monotonic time belongs to a process that is gone.
 */
export function acceptedMonoOf(
  { mono, opening: from, acceptedAt }: Pick<PlainItem, "mono" | "opening" | "acceptedAt">,
  opening: Opening,
): number {
  return from === opening.number ? mono : opening.monotonic - Math.max(0, opening.now - acceptedAt);
}

/** An item from its row. */
export function fromPlainItem(
  place: Pick<StoredItem, "seq" | "sessionKey" | "body">,
  plain: PlainItem,
  opening: Opening,
): StoredItem {
  const { mono, opening: from, ...own } = plain;
  const acceptedMono = acceptedMonoOf({ mono, opening: from, acceptedAt: own.acceptedAt }, opening);
  return { ...place, acceptedMono, ...usual, ...own };
}

import type { StoredItem } from "../store/store.ts";

/** An item as the store keeps it, for tests of what is done with items: a message to be followed up, unless told otherwise. */
export function storedItem(part: Partial<StoredItem> = {}): StoredItem {
  const seq = part.seq ?? 1;
  return {
    seq,
    id: `item-${seq}`,
    sessionKey: "chat",
    type: "message",
    body: "",
    mode: "followup",
    priority: part.type === "event" ? "normal" : "foreground",
    group: undefined,
    kind: "",
    key: undefined,
    meta: undefined,
    acceptedAt: 0,
    acceptedMono: 0,
    wakes: true,
    incarnation: undefined,
    origin: "person",
    failures: 0,
    reclaims: 0,
    crashes: 0,
    retryAt: undefined,
    lastTurnId: undefined,
    failedWith: [],
    expiresAt: undefined,
    steers: undefined,
    ahead: 0,
    ...part,
  };
}

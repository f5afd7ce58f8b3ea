import type { Runtime } from "../keeper/runtime.ts";
import type { AppendResult, NewItem, SettledItem } from "../store/store.ts";

/** What is told of accepted work needs of the keeper. */
type Teller = Pick<Runtime, "journal" | "settings">;

/** Tells of an accepted item, and of what its acceptance finished. Ask `isObserved` first. */
export function emitAccepted(
  { journal, settings }: Teller,
  { item, finished }: AppendResult & { status: "accepted" },
): void {
  const { sessionKey, id, meta, kind, type, mode, steers } = item;
  const at = settings.clock.now();
  if (type === "event") journal.emit({ type: "event.accepted", at, sessionKey, id, meta, kind });
  else
    journal.emit({
      type: "message.accepted",
      at,
      sessionKey,
      id,
      meta,
      mode,
      isSteering: steers !== undefined,
    });
  for (const old of finished) emitFinished({ journal, settings }, old, id);
}

/** Tells of a message that was dropped as it came. */
export function emitDropped(
  { journal, settings }: Teller,
  { sessionKey, id, meta, mode }: NewItem,
  item: SettledItem,
): void {
  journal.emit({
    type: "message.accepted",
    at: settings.clock.now(),
    sessionKey,
    id,
    meta,
    mode,
    isSteering: false,
  });
  emitFinished({ journal, settings }, item, id);
}

/** Tells of items that were cancelled while they waited. */
export function emitCancelled(
  { journal, settings }: Teller,
  items: readonly SettledItem[],
  note: string | undefined,
): void {
  const at = settings.clock.now();
  for (const { sessionKey, id, type, outcome } of items) {
    if (outcome.status !== "cancelled") continue;
    const happened = type === "message" ? "message.cancelled" : "event.cancelled";
    journal.emit({ type: happened, at, sessionKey, id, reason: outcome.reason, note });
  }
}

/** Tells of an item that another's acceptance ended, or of which it was found out late how it ended. */
export function emitFinished(teller: Teller, item: SettledItem, by: string | undefined): void {
  const { sessionKey, id, type, outcome } = item;
  const at = teller.settings.clock.now();
  if (outcome.status === "cancelled") emitCancelled(teller, [item], undefined);
  if (outcome.status !== "dropped") return;
  if (outcome.reason === "replaced") teller.journal.emit({ type: "event.replaced", at, sessionKey, id, by });
  else if (type === "event")
    teller.journal.emit({ type: "event.dropped", at, sessionKey, id, reason: "overflow" });
  else teller.journal.emit({ type: "message.dropped", at, sessionKey, id, reason: outcome.reason });
}

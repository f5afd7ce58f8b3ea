import type { Runtime } from "../keeper/runtime.ts";
import type { StoredItem } from "../store/store.ts";
import type { LiveTurn } from "./live-turn.ts";

/**
 * Tells the store what steering a turn has taken, so that it waits no more. A store that fails is not asked again: the
 * turn's own end, which names what it took, is all that counts (B19).
 */
export function createSteeringClaims(
  runtime: () => Runtime,
): (turn: LiveTurn, items: readonly StoredItem[]) => void {
  return (turn, items) => {
    const { journal, settings, mailboxes, ask, tell, expiries } = runtime();
    const { sessionKey, id: turnId, lane } = turn;
    for (const { seq } of items) expiries.over(seq);
    if (journal.isObserved) {
      const at = settings.clock.now();
      for (const { id, meta } of items)
        journal.emit({ type: "message.steered", at, sessionKey, id, meta, turnId });
    }
    ask(
      () => mailboxes.claimSteering({ sessionKey, turnId, seqs: items.map(({ seq }) => seq) }),
      (mailbox) => tell(lane, { type: "mailbox.changed", mailbox }),
      () => {},
    );
  };
}

import type { Admission } from "./admission.ts";
import { LanekeeperError } from "./errors.ts";
import { notAdmitted } from "./refusals.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Runtime } from "./runtime.ts";
import type { StoredItem } from "../store/store.ts";

/**
 * What becomes of dead letters that somebody has looked at.
 *
 * I1. A letter is put back, or stays: never both, never neither.
 */
export interface Redrives {
  /** Puts the work of a letter back. Rejects with `NOT_FOUND`, `DRAINING`, `CLOSED`, `LANE_FULL`, `OVERLOADED` or `STORE_UNAVAILABLE`. */
  redrive(letterId: string): Promise<Receipt>;
  /** Forgets a letter; false if there is none. */
  discard(letterId: string): Promise<boolean>;
}

/** Creates the redrives of a keeper. */
export function createRedrives(
  runtime: Runtime,
  admission: Pick<Admission, "draining" | "assertOpen" | "accepted">,
): Redrives {
  const { journal, settings, mailboxes } = runtime;
  const notFound = (id: string): LanekeeperError =>
    new LanekeeperError(
      "NOT_FOUND",
      `There is no dead letter ${id}: it was redriven, discarded, or is too old. deadLetters() lists those there are.`,
      { deadLetterId: id },
    );
  return {
    async redrive(id) {
      const barred = admission.draining();
      if (barred !== undefined) throw barred;
      const letter = await runtime.request(() => mailboxes.deadLetter(id));
      if (letter === undefined) throw notFound(id);
      const { sessionKey } = letter;
      const limits = runtime.limitsOf(runtime.laneOptionsOf(sessionKey));
      const result = await runtime.request(() => mailboxes.redrive({ id, limits }));
      if (result.status === "missing") throw notFound(id);
      const [item] = letter.items as readonly [Pick<StoredItem, "sessionKey" | "id" | "type">];
      if (result.status !== "accepted") throw notAdmitted(item, result);
      if (journal.isObserved) {
        const at = settings.clock.now();
        journal.emit({ type: "deadLetter.redriven", at, sessionKey, id, itemId: result.item.id });
      }
      return admission.accepted(result, limits);
    },
    async discard(id) {
      admission.assertOpen();
      const isDiscarded = await runtime.request(() => mailboxes.discard(id));
      if (isDiscarded && journal.isObserved) {
        journal.emit({ type: "deadLetter.discarded", at: settings.clock.now(), id });
      }
      return isDiscarded;
    },
  };
}

import type { Admission } from "./admission.ts";
import { LanekeeperError } from "./errors.ts";
import { notAdmitted } from "./refusals.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Runtime } from "./runtime.ts";
import type { DeadLetterItem } from "../store/dead-letter.ts";
import type { MailboxLimits, RedriveResult } from "../store/store.ts";
import { looking } from "../store/store-requests.ts";

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
  admission: Pick<Admission, "draining" | "assertOpen" | "accepted" | "refuse">,
): Redrives {
  const { journal, settings, mailboxes, outcomes, passages } = runtime;
  const notFound = (id: string): LanekeeperError =>
    new LanekeeperError(
      "NOT_FOUND",
      `There is no dead letter ${id}: it was redriven, discarded, or is too old. deadLetters() lists those there are.`,
      { deadLetterId: id },
    );
  const redriven = (
    id: string,
    item: DeadLetterItem,
    limits: MailboxLimits,
    result: RedriveResult,
  ): Receipt => {
    if (result.status === "missing") throw notFound(id);
    if (result.status !== "accepted") throw admission.refuse(item, notAdmitted(item, result));
    if (journal.isObserved) {
      const { sessionKey } = item;
      const at = settings.clock.now();
      journal.emit({ type: "deadLetter.redriven", at, sessionKey, id, itemId: result.item.id });
    }
    return admission.accepted(result, limits);
  };
  return {
    async redrive(id) {
      admission.assertOpen();
      const letter = await passages.through(runtime.request(() => mailboxes.deadLetter(id), looking));
      if (letter === undefined) throw notFound(id);
      const [item] = letter.items as readonly [DeadLetterItem];
      const barred = admission.draining();
      if (barred !== undefined) throw admission.refuse(item, barred);
      const limits = runtime.limitsOf(runtime.laneOptionsOf(letter.sessionKey));
      const answer = runtime.request(() => mailboxes.redrive({ id, limits }), { changes: letter.sessionKey });
      const use = (result: RedriveResult): Receipt => redriven(id, item, limits, result);
      return answer instanceof Promise ? outcomes.expecting(answer, use) : use(answer);
    },
    async discard(id) {
      admission.assertOpen();
      const isDiscarded = await passages.through(runtime.request(() => mailboxes.discard(id)));
      if (isDiscarded && journal.isObserved) {
        journal.emit({ type: "deadLetter.discarded", at: settings.clock.now(), id });
      }
      return isDiscarded;
    },
  };
}

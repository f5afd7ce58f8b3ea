import type { ReplayFact } from "./replay-fact.ts";
import type { ReplayLedger, TurnEntry } from "./replay-ledger.ts";

interface RecalledTurn {
  readonly entry: TurnEntry;
  readonly abort: () => void;
}

/**
 * Enters what earlier lives of a replay wrote down into empty books, up to the end of the last of them. Answers how many
 * overlaps were found: those the books cannot know.
 */
export function recallLedger(ledger: ReplayLedger, past: readonly ReplayFact[]): number {
  const turns = new Map<number, RecalledTurn>();
  let overlaps = 0;
  for (const fact of past) {
    switch (fact.fact) {
      case "life":
        ledger.restart();
        break;
      case "offered":
        ledger.offer(fact.id, fact.session, fact.at);
        break;
      case "accepted":
        ledger.accept(fact.id);
        break;
      case "refused":
        ledger.refuse(fact.id);
        break;
      case "told":
        ledger.settle(fact.id, fact);
        break;
      case "began":
        turns.set(fact.turn, recallTurn(ledger, fact));
        break;
      case "answered":
        turns.get(fact.turn)?.entry.answer();
        break;
      case "threw":
        turns.get(fact.turn)?.entry.crash();
        break;
      case "aborted":
        turns.get(fact.turn)?.abort();
        break;
      case "launching":
        ledger.launching(fact.session);
        break;
      case "launch-failed":
        ledger.launchFailed(fact.session);
        break;
      case "launched":
        ledger.launch(fact.id, fact.session);
        break;
      case "buried":
        ledger.bury(fact.id);
        break;
      case "overlapped":
        overlaps += fact.count;
        break;
      case "closing":
        ledger.closing();
        break;
      case "replay":
      case "ended":
        break;
    }
  }
  ledger.restart();
  return overlaps;
}

/** Its overlaps were counted when it ran: it is current no more. */
function recallTurn(
  ledger: ReplayLedger,
  fact: Extract<ReplayFact, { readonly fact: "began" }>,
): RecalledTurn {
  const over = new AbortController();
  const aborting = new AbortController();
  over.abort();
  const entry = ledger.begin(
    {
      sessionKey: fact.session,
      attempt: fact.attempt,
      messages: fact.messages.map((id) => ({ id })),
      events: fact.commands.map((id) => ({
        id,
        body: fact.lost.includes(id) ? { status: "lost" } : undefined,
      })),
      signal: aborting.signal,
      assertCurrent: () => over.signal.throwIfAborted(),
    },
    fact.at,
  );
  return { entry, abort: () => aborting.abort() };
}

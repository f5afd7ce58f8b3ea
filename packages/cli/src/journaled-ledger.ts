import { isLostCompletion } from "./completion-ledger.ts";
import { recallLedger } from "./recalled-ledger.ts";
import type { ReplayFact, TimelessFact } from "./replay-fact.ts";
import type { ReplayLedger, ReplayTurn, TurnEntry } from "./replay-ledger.ts";

/**
 * Books that are kept in a journal as well, so that the next life of the replay can go on with them.
 *
 * I1 Whatever is entered is appended before anything goes on.
 * I2 What was written before is in the books before anything is entered.
 */
export function createJournaledLedger(options: {
  /** Empty books. */
  readonly ledger: ReplayLedger;
  readonly append: (fact: TimelessFact) => void;
  /** What was written before. */
  readonly past: readonly ReplayFact[];
}): ReplayLedger {
  const { ledger, append } = options;
  const overlapsBefore = recallLedger(ledger, options.past);
  let overlaps = 0;

  const noteOverlaps = () => {
    const found = ledger.overlaps - overlaps;
    if (found === 0) return;
    overlaps = ledger.overlaps;
    append({ fact: "overlapped", count: found });
  };

  const begin = (given: ReplayTurn, at: number): TurnEntry => {
    const turn = ledger.turns + 1;
    const { sessionKey: session, attempt, signal, messages, events } = given;
    const idOf = ({ id }: { readonly id: string }) => id;
    append({
      fact: "began",
      turn,
      session,
      attempt,
      messages: messages.map(idOf),
      commands: events.map(idOf),
      lost: events.filter(({ body }) => isLostCompletion(body)).map(idOf),
    });
    const abort = () => append({ fact: "aborted", turn });
    signal.addEventListener("abort", abort);
    const entry = ledger.begin(given, at);
    noteOverlaps();
    return {
      check() {
        entry.check();
        noteOverlaps();
      },
      answer() {
        signal.removeEventListener("abort", abort);
        append({ fact: "answered", turn });
        entry.answer();
        noteOverlaps();
      },
      crash() {
        signal.removeEventListener("abort", abort);
        if (!signal.aborted) append({ fact: "threw", turn });
        entry.crash();
      },
    };
  };

  return {
    begin,
    offer(id, session, at) {
      append({ fact: "offered", id, session });
      ledger.offer(id, session, at);
    },
    accept(id) {
      append({ fact: "accepted", id });
      ledger.accept(id);
    },
    refuse(id) {
      append({ fact: "refused", id });
      ledger.refuse(id);
    },
    settle(id, outcome) {
      const { status, reply } = outcome;
      append({ fact: "told", id, status, ...(reply === undefined ? {} : { reply }) });
      ledger.settle(id, outcome);
    },
    launching(session) {
      append({ fact: "launching", session });
      ledger.launching(session);
    },
    launchFailed(session) {
      append({ fact: "launch-failed", session });
      ledger.launchFailed(session);
    },
    launch(id, session) {
      append({ fact: "launched", id, session });
      ledger.launch(id, session);
    },
    bury(id) {
      const isNews = ledger.bury(id);
      if (isNews) append({ fact: "buried", id });
      return isNews;
    },
    closing() {
      append({ fact: "closing" });
      ledger.closing();
    },
    restart() {
      ledger.restart();
    },
    unsettled: () => ledger.unsettled(),
    get sent() {
      return ledger.sent;
    },
    get turns() {
      return ledger.turns;
    },
    get overlaps() {
      return overlapsBefore + ledger.overlaps;
    },
    get activity() {
      return ledger.activity;
    },
    get settled() {
      return ledger.settled;
    },
    whenSettled: () => ledger.whenSettled(),
    tally(end) {
      const tally = ledger.tally(end);
      return { ...tally, overlaps: overlapsBefore + tally.overlaps };
    },
  };
}

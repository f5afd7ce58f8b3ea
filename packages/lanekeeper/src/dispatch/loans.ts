import type { Loan } from "./dispatcher.ts";
import type { Slot } from "./slot.ts";

/**
 * The loans that are open, by who lends and to which session (B10a).
 *
 * Must not know: who waits.
 * I1. Every lender of an open loan holds a slot, its own or a borrowed one, and waits.
 * I2. A slot is free for the loans of all that share it while every one of them lends: then nobody runs on it.
 */
export interface Loans {
  /** Offers a slot that is held to a session. */
  open(lender: Slot, sessionKey: string): Loan;
  /** Whether nobody runs on the slot that this one holds or shares. */
  isFree(slot: Slot): boolean;
  /** Who lends a slot to that session that is free; by the oldest loan if there are several. */
  lenderFor(sessionKey: string): Slot | undefined;
  /** The sessions somebody lends to, the oldest loan first. */
  sessionsOf(lender: Slot): Iterable<string>;
  /** Ends all of somebody's loans. */
  endAll(lender: Slot): void;
}

/** A loan that offers nothing. */
export const noLoan: Loan = { end: () => {} };

/** No loans yet. */
export function createLoans(): Loans {
  const byLender = new Map<Slot, Set<OpenLoan>>();
  const bySession = new Map<string, Set<OpenLoan>>();

  const isFree = (slot: Slot): boolean => {
    for (const user of slot.users()) if (!byLender.has(user)) return false;
    return true;
  };
  return {
    open(lender, sessionKey) {
      const loan: OpenLoan = {
        lender,
        sessionKey,
        end() {
          remove(byLender, lender, loan);
          remove(bySession, sessionKey, loan);
        },
      };
      add(byLender, lender, loan);
      add(bySession, sessionKey, loan);
      return loan;
    },
    isFree,
    lenderFor(sessionKey) {
      if (bySession.size === 0) return undefined;
      for (const { lender } of bySession.get(sessionKey) ?? []) {
        if (isFree(lender)) return lender;
      }
      return undefined;
    },
    *sessionsOf(lender) {
      for (const { sessionKey } of byLender.get(lender) ?? []) yield sessionKey;
    },
    endAll(lender) {
      if (byLender.size === 0) return;
      for (const loan of byLender.get(lender) ?? []) loan.end();
    },
  };
}

interface OpenLoan extends Loan {
  readonly lender: Slot;
  readonly sessionKey: string;
}

function add<K>(loans: Map<K, Set<OpenLoan>>, key: K, loan: OpenLoan): void {
  const others = loans.get(key);
  if (others === undefined) loans.set(key, new Set([loan]));
  else others.add(loan);
}

function remove<K>(loans: Map<K, Set<OpenLoan>>, key: K, loan: OpenLoan): void {
  const others = loans.get(key);
  if (others?.delete(loan) === true && others.size === 0) loans.delete(key);
}

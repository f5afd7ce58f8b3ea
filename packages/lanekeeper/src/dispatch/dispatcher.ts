import type { Priority } from "./priority.ts";

/**
 * The dispatcher port: "this session has work" → "run its lane here now", within capacity.
 *
 * I1. It alone counts slots, and a slot is counted before anybody is told of it (B5).
 * I2. A slot has exactly one way back: its claim's `release`.
 * I3. A claim may be lost: then another may run the session, and the holder must stop (B28).
 * I4. A slot that is lent is counted once, in its lender's place and group (B10a).
 */
export interface Dispatcher {
  /** Asks for a slot. `granted` is called at most once, in this call or later, and never after `release`. */
  claim(request: ClaimRequest): Claim;
  /** Slots that are held; a slot that is lent counts once. */
  readonly held: number;
  /** Sessions that wait for one. */
  readonly waiting: number;
  /** Slots there are. */
  readonly turns: number;
  /** Replaces the number of slots and the groups: raising grants, lowering takes none away (B16). */
  resize(slots: Slots): void;
  /** Grants nothing more, for good, but what a lender lends; what is held stays held. */
  hold(): void;
}

/** How many slots there are, and the budgets inside them (B12). */
export interface Slots {
  readonly turns: number;
  readonly groups: ReadonlyMap<string, GroupBudget>;
}
/** A named budget: at most `limit` of the slots, of which `reserved` are never given to another group. */
export interface GroupBudget {
  readonly limit: number;
  readonly reserved: number;
}

/** What a claim is judged by while it waits. */
export interface Demand {
  readonly priority: Priority;
  /** One that is not defined counts as none. */
  readonly group: string | undefined;
}

/** Who asks for a slot, and with what claim. */
export interface ClaimRequest {
  readonly sessionKey: string;
  /** Whose turns take turns with other agents' (B15). */
  readonly agent: string;
  readonly demand: Demand;
  /** A slot is theirs. */
  granted(): void;
  /** The slot was taken away. */
  lost(): void;
}

/** A place in the queue, then a slot. */
export interface Claim {
  readonly isHeld: boolean;
  /** Whether the slot is lent by another session's turn: it counts in that one's group. */
  readonly isBorrowed: boolean;
  /** The group that its slot counts in; undefined: none, or it holds no slot. */
  readonly countsIn: string | undefined;
  /** What it waits for: room in its group, or a slot at all; undefined once it is held or released. */
  readonly waitsFor: "group" | "capacity" | undefined;
  /** Replaces what it is judged by, and keeps its place by the time it has waited. Nothing where it does not wait. */
  change(demand: Demand): void;
  /**
   * Lends its slot to a session's claims until the loan is ended (B10a). Who has a loan open waits: the slot goes to a claim
   * that one of those who share it lends to, while all of them do.
   */
  lend(sessionKey: string): Loan;
  /** Gives the slot, or the place in the queue, back. A slot in use by a borrower stays with it. The second time it does nothing. */
  release(): void;
}

/** A slot offered to another session's turns. */
export interface Loan {
  /** Offers it no longer. A borrower that runs keeps it until it is released. The second time it does nothing. */
  end(): void;
}

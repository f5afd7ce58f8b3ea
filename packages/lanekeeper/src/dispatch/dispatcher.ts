/**
 * The dispatcher port: "this session has work" → "run its lane here now", within capacity.
 *
 * I1. It alone counts slots, and a slot is counted before anybody is told of it (B5).
 * I2. A slot has exactly one way back: its claim's `release`.
 * I3. A claim may be lost: then another may run the session, and the holder must stop (B28).
 */
export interface Dispatcher {
  /** Asks for a slot. `granted` is called at most once, in this call or later, and never after `release`. */
  claim(request: ClaimRequest): Claim;
  /** Slots that are held. */
  readonly held: number;
  /** Sessions that wait for one. */
  readonly waiting: number;
  /** Slots there are. */
  readonly turns: number;
  /** Replaces the number of slots: raising it grants, lowering it takes none away. */
  resize(turns: number): void;
  /** Grants nothing more, for good; what is held stays held. */
  hold(): void;
}

/** Who asks for a slot. */
export interface ClaimRequest {
  readonly sessionKey: string;
  /** A slot is theirs. */
  granted(): void;
  /** The slot was taken away. */
  lost(): void;
}

/** A place in the queue, then a slot. */
export interface Claim {
  readonly isHeld: boolean;
  /** Gives the slot, or the place in the queue, back. The second time it does nothing. */
  release(): void;
}

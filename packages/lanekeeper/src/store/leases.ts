/**
 * What a lock store must do, each in one atomic step and with a time-out of its own. A rejection may pass, and is asked again,
 * unless it is a `LanekeeperError` of a code other than `STORE_UNAVAILABLE`: then whoever asks for a lease is given that
 * error at once (B53).
 */
export interface LeaseStore {
  /**
   * Takes the lease if it is free or expired, else says who holds it. `owner` is unique per acquisition; asking again as
   * the current owner gives the same token. A token never repeats or goes back for a name.
   */
  acquire(
    name: string,
    owner: string,
    ttlMs: number,
  ): Promise<
    | { readonly acquired: true; readonly token: bigint }
    | { readonly acquired: false; readonly owner: string; readonly expiresInMs: number }
  >;
  /** Extends it if `owner` with `token` still holds it; false: it does not; a rejection: not known. */
  renew(name: string, owner: string, token: bigint, ttlMs: number): Promise<boolean>;
  /** Gives it back. Without a token: undoes an acquire whose answer was lost. */
  release(name: string, owner: string, token?: bigint): Promise<boolean>;
  /** Tells of releases, where the store can. Returns how to stop. */
  watch?(name: string, released: () => void): () => void;
  /** Ends every watch; every later call rejects. */
  close(): Promise<void>;
}

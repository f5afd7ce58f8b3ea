/** How long a store of sessions or of leases has for an answer, in milliseconds (B33). */
export const storeDeadlineMs = 30_000;

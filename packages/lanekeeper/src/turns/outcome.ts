/** How accepted work ended. */
export type Outcome<Reply = unknown> =
  | {
      readonly status: "completed";
      readonly turnId: string;
      readonly reply: Reply;
      readonly attempts: number;
    }
  | {
      readonly status: "failed";
      readonly turnId: string;
      readonly error: Error;
      readonly attempts: number;
      readonly deadLetterId: string;
    }
  | {
      readonly status: "reclaimed";
      readonly turnId: string;
      readonly reason: "stalled" | "timeout" | "crashed";
      readonly deadLetterId: string;
    }
  | {
      readonly status: "cancelled";
      readonly reason: "cancelled" | "cleared" | "interrupted" | "aborted" | "reset";
    }
  | { readonly status: "dropped"; readonly reason: "overflow" | "expired" | "replaced" }
  /**
   * This keeper closed first; the store keeps the work, and the next keeper on that store runs it (see `attach`). Or the
   * store lost the answer that said how it ended, and remembers it no longer (`dedupeMs`).
   */
  | { readonly status: "suspended" };

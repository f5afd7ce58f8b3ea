import type { Receipt } from "../turns/receipt.ts";

/** What became of a report. */
export type RouteResult =
  | { readonly routed: true; readonly sessionKey: string; readonly receipt: Receipt }
  | {
      readonly routed: false;
      readonly reason: "duplicate" | "unknown-exec" | "session-mismatch" | "stale-incarnation" | "silent";
    };

/** What the host does not see: what the keeper asked of its ports and was told, and when it went on. */
export type InnerEntry =
  /** The clock is at another millisecond: after so many looks at it since the last entry; 0: before the next entry. */
  | {
      readonly type: "time";
      readonly looks: number;
      /** Epoch milliseconds, where the wall clock did not go along. */
      readonly wall?: number | undefined;
    }
  /** The keeper set a timer of the clock. Timers are counted as they are set. */
  | { readonly type: "armed"; readonly timer: number; readonly delayMs: number }
  /** A timer fired. */
  | { readonly type: "timer"; readonly timer: number }
  /** A promise, or the event loop, brought the keeper to go on. Such places are counted as they come up. */
  | { readonly type: "entered"; readonly passage: number }
  /** The keeper asked its store, its leases or its processes something. */
  | {
      readonly type: "asked";
      readonly port: "store" | "leases" | "processes";
      readonly what: string;
      readonly args: readonly unknown[];
      /** Counts up; names the request, where the answer comes later. */
      readonly request?: number | undefined;
      /** The answer, where it came at once. */
      readonly answer?: unknown;
      /** What the port threw. */
      readonly error?: unknown;
    }
  /** The answer to a request came. */
  | {
      readonly type: "answered";
      readonly request: number;
      readonly value?: unknown;
      /** What it was refused with. */
      readonly error?: { readonly thrown: unknown } | undefined;
    }
  /** A port told something of its own accord: a lease was released, a process wrote or ended. */
  | {
      readonly type: "told";
      /** The request that asked for it. */
      readonly request: number;
      readonly what: "released" | "output" | "ended";
      readonly args: readonly unknown[];
    }
  /** What a callback of the host or a member of a port gave: `random`, `createId`, `laneFor`, `agentOf`, `backlog` … */
  | {
      readonly type: "gave";
      readonly what: string;
      readonly value: unknown;
      readonly args?: readonly unknown[] | undefined;
    }
  /** A signal that the host gave to a call aborted, or had aborted when the keeper looked. */
  | {
      readonly type: "signal";
      readonly call: number;
      readonly reason: unknown;
      readonly wasAborted?: true | undefined;
    }
  /** The promise that a turn gave to `waiting` settled. */
  | {
      readonly type: "awaited";
      readonly call: number;
      readonly value?: unknown;
      /** What it was rejected with. */
      readonly error?: { readonly thrown: unknown } | undefined;
    }
  /** An actor that is no lane came into another state: `supervisor`, `heartbeat:<agent>`, or the owner of a lock. */
  | { readonly type: "moved"; readonly actor: string; readonly detail: string }
  /** The keeper was handed to its host. */
  | { readonly type: "opened" };

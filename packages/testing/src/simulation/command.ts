import type { CapacityOptions, Priority, QueueMode } from "lanekeeper";

/** One thing that is done to a simulated world, as data: a list of these and a seed are a run. */
export type Command = {
  /** True milliseconds since the start of the run. */
  readonly at: number;
} & (
  | OfSession
  | OfLock
  | OfKeeper
  | OfMachine
  | {
      readonly do: "heartbeat";
      readonly agent: string;
      readonly what: "request" | "enable" | "disable";
    }
);

/** What a command does to one session. */
type OfSession = { readonly session: string } & (
  | {
      readonly do: "send";
      readonly id: string;
      readonly mode?: QueueMode | undefined;
      readonly priority?: Priority | undefined;
      readonly group?: string | undefined;
      readonly expiresInMs?: number | undefined;
      /** Its signal aborts so many milliseconds later. */
      readonly withdrawnAfterMs?: number | undefined;
    }
  | {
      readonly do: "notify";
      readonly id: string;
      readonly key?: string | undefined;
      readonly priority?: Priority | undefined;
      readonly group?: string | undefined;
      readonly wake?: boolean | undefined;
    }
  | {
      readonly do: "wake";
      readonly reason: string;
      readonly priority?: Priority | undefined;
      readonly coalesceMs?: number | undefined;
    }
  /** A command whose name says how it goes. */
  | {
      readonly do: "exec";
      readonly name: string;
      readonly timeoutMs: number;
      readonly notify?: "always" | "output-or-failure" | "never" | undefined;
    }
  | { readonly do: "expectExec"; readonly execId: string; readonly timeoutMs: number }
  | { readonly do: "reportExec"; readonly execId: string; readonly exitCode: number }
  | { readonly do: "cancel" | "attach"; readonly id: string }
  | { readonly do: "abort" | "reset" | "forget" | "pause" | "resume" }
  | { readonly do: "clear"; readonly events: boolean }
  /** The session's dead letter that is the newest. */
  | { readonly do: "redrive" | "discard" }
);

/** What it does with a lock. Every keeper contends for the same names. */
type OfLock = {
  readonly keeper: number;
  readonly name: string;
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly holdMs: number;
} & { readonly do: "acquire" | "tryAcquire" | "using" };

/** What it does to a keeper as a whole. */
type OfKeeper = { readonly keeper: number } & (
  | { readonly do: "pauseAll" | "resumeAll" }
  | { readonly do: "setCapacity"; readonly capacity: CapacityOptions }
  /** Closed in order, after a drain of at most so long if any, and opened again on the same store. */
  | { readonly do: "close"; readonly drainMs?: number | undefined; readonly downMs: number }
  /** Its process dies here and now; later another keeper opens the same store. */
  | { readonly do: "crash"; readonly downMs: number }
);

/** What happens to the machines. */
type OfMachine =
  /** The wall clock of a keeper's process is moved. */
  | { readonly do: "stepClock"; readonly keeper: number; readonly byMs: number }
  /** The machine sleeps: no timer fires, the monotonic clock stands still. */
  | { readonly do: "sleep"; readonly keeper: number; readonly forMs: number }
  /** The process is stopped: no timer fires, both clocks go on. */
  | { readonly do: "stop"; readonly keeper: number; readonly forMs: number }
  /** A share of the steps of a keeper's store goes wrong for a while. */
  | { readonly do: "storeFaults"; readonly keeper: number; readonly forMs: number; readonly share: number }
  /** A share of what the lease store is asked for goes wrong for a while. */
  | { readonly do: "leaseFaults"; readonly forMs: number; readonly share: number };

/** Every kind of command. */
export type CommandKind = Command["do"];
/** The commands of one kind. */
export type CommandOf<Kind extends CommandKind, C = Command> = C extends { readonly do: infer Kinds }
  ? Kind extends Kinds
    ? C & { readonly do: Kind }
    : never
  : never;

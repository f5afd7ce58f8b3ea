import type { LanekeeperEvent } from "../seeing/events.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { InnerEntry } from "./inner-entries.ts";

/**
 * What went into a keeper and what its host saw of it, in the order in which it happened: enough to check the rules, and to
 * run it again.
 */
export interface Recording {
  readonly header: RecordingHeader;
  readonly entries: readonly RecordingEntry[];
}

/** What a recording begins with. */
export interface RecordingHeader {
  readonly format: "lanekeeper-recording";
  /** Grows with every change that a reader must know of. */
  readonly version: 1;
  /** The release of lanekeeper that was recorded. */
  readonly lanekeeper: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** The same instant in monotonic milliseconds of the keeper's clock. */
  readonly startedMono: number;
  /** The options of the keeper that are data: capacity, lane, heartbeats, exec, forgetAfterMs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What else a keeper is made with. */
  readonly made: MadeWith;
}

/** What the options do not say of a recorded keeper. */
export interface MadeWith {
  /** Names the keeper: its locks' owners begin with it. */
  readonly instance: string;
  /** The settings of its lanes as the host gave them. */
  readonly laneSettings: unknown;
  readonly hasLaneFor: boolean;
  /** Whether it was given leases of their own. */
  readonly hasLeases: boolean;
  /** Whether its leases tell of releases. */
  readonly watches: boolean;
  /** Whether contents are hidden in its recording. */
  readonly hidesContents: boolean;
}

/**
 * One thing that happened. `at` is monotonic milliseconds of the keeper's clock, whole ones. `inside` says that it came about
 * while the keeper was calling out to host code, such as a subscriber, and which such call it was; 0: one of its logger.
 */
export type RecordingEntry = { readonly at: number; readonly inside?: number | undefined } & (
  | SeenEntry
  | InnerEntry
);

/** What the host saw: enough to check the rules by. */
export type SeenEntry =
  /**
   * The host called a member of the keeper (`send`, `locks.acquire` …), or of something that an earlier call gave
   * (`receipt.reply`, `receipt.cancel`, `lock.release`, `lock.assertHeld`, `execution.kill`, `heartbeat.request` …), from
   * outside or inside a turn.
   */
  | {
      readonly type: "call";
      /** Counts up; names the call. */
      readonly call: number;
      readonly method: string;
      readonly args: readonly unknown[];
      /** The call that gave what this member is of. */
      readonly on?: number | undefined;
      /** The turn whose code, or what that left running, made the call. */
      readonly turnId?: string | undefined;
      /** The call of `locks.using` whose work made it. */
      readonly under?: number | undefined;
    }
  /** What a call, or what a turn did, returned or resolved to; receipts, locks and executions as their data. */
  | { readonly type: "answer"; readonly call: number; readonly value: unknown }
  /** What a call, or what a turn did, threw or was refused with; `message` is for people. */
  | {
      readonly type: "refusal";
      readonly call: number;
      readonly code: string | undefined;
      readonly message: string;
    }
  /** The host's `turn` was called. */
  | {
      readonly type: "turn";
      readonly turnId: string;
      readonly sessionKey: string;
      readonly agent: string;
      readonly cause: string;
      readonly attempt: number;
      readonly fencingToken: string;
      readonly reasons: readonly string[];
      readonly messages: readonly { readonly id: string; readonly body: unknown }[];
      readonly events: readonly { readonly id: string; readonly kind: string; readonly body: unknown }[];
      readonly dropped?: unknown;
    }
  /**
   * The turn's code asked something of it: `progress`, `emit`, `assertCurrent`, `takeSteering`, `exec`, `expectExec`, `waiting`,
   * `locks.acquire` …, with what it got at once.
   */
  | {
      readonly type: "turn.did";
      readonly call: number;
      readonly turnId: string;
      readonly what: string;
      readonly args: readonly unknown[];
      /** The turn whose code, or what that left running, asked, where it was another; empty: it was none's. */
      readonly from?: string | undefined;
      readonly under?: number | undefined;
      /** What it gave at once: of what gives a promise undefined. The `answer` to the call says the same. */
      readonly got: unknown;
      /** Where it threw at once: what the `refusal` of the call says. */
      readonly refusal?: { readonly code: string | undefined; readonly message: string } | undefined;
    }
  /** The turn's signal aborted. */
  | { readonly type: "turn.signal"; readonly turnId: string; readonly code: string }
  /** The turn's code returned or threw, counted or not. */
  | { readonly type: "turn.returned"; readonly turnId: string; readonly reply: unknown }
  | {
      readonly type: "turn.threw";
      readonly turnId: string;
      /** Its message. */
      readonly error: string;
      readonly isPermanent: boolean;
      readonly thrown: Error;
    }
  /** The work of a call of `locks.using` began, and ended. */
  | { readonly type: "work"; readonly call: number; readonly lock: unknown }
  | { readonly type: "work.returned"; readonly call: number; readonly value: unknown }
  | {
      readonly type: "work.threw";
      readonly call: number;
      /** Its message. */
      readonly error: string;
      readonly thrown: unknown;
    }
  /** The outcome of a receipt settled. Each receipt of the same work says so. */
  | {
      readonly type: "outcome";
      readonly sessionKey: string;
      readonly id: string;
      readonly outcome: Outcome;
      /** The call that gave the receipt. */
      readonly call: number;
    }
  /** The keeper emitted an event. */
  | { readonly type: "event"; readonly event: LanekeeperEvent };

import type { DeferReason, HeartbeatContext, HeartbeatEvent, HeartbeatInput } from "@lanekeeper/machines";
import type { Actor, ActorLogic } from "xstate";
import type { HeartbeatResult } from "./heartbeat-control.ts";
import type { HeartbeatSettings } from "./heartbeat-options.ts";
import type { ChartSnapshot } from "../xstate/compiled-logic.ts";

/** The logic that all runners share. */
export type RunnerLogic = ActorLogic<ChartSnapshot<HeartbeatContext>, HeartbeatEvent, HeartbeatInput>;

/** Whoever asked for a heartbeat by hand and has no answer. */
export interface Asker {
  readonly resolve: (result: HeartbeatResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One agent's heartbeat runner: its actor, and what the actor's effects hold that is no JSON.
 *
 * I1. Whether a heartbeat waits or runs is the actor's state; `isDue` is its request to the lane, and ends with the turn's
 *     start or with the request.
 */
export class Runner {
  readonly settings: HeartbeatSettings;
  /** Set before the actor's first step. */
  actor!: Actor<RunnerLogic>;
  /** Whether the store has it that heartbeats are on. */
  isEnabled: boolean;
  /** Whether it asks its lane for a turn that has not started. */
  isDue = false;
  /** What the lane said last that it waits for. */
  waitsFor: DeferReason | undefined = undefined;
  /** The error behind the next result, if that is a failure. */
  error: Error | undefined = undefined;
  /** What was told last, so that it is told once. */
  told: HeartbeatContext["last"] = null;
  askers: Asker[] = [];
  /** Crashes of its actor in a row. */
  crashes = 0;

  constructor(settings: HeartbeatSettings, isEnabled: boolean) {
    this.settings = settings;
    this.isEnabled = isEnabled;
  }

  /** The actor's state. */
  get snapshot(): ChartSnapshot<HeartbeatContext> {
    return this.actor.getSnapshot();
  }

  /** The tries of the heartbeat that is due, this one included. */
  get attempt(): number {
    return this.snapshot.context.retries + 1;
  }

  /** The result that its actor recorded last. */
  get result(): (HeartbeatResult & { readonly at: number }) | undefined {
    const { last } = this.snapshot.context;
    return last === null ? undefined : this.toResult(last);
  }

  /** A recorded result, with the error itself. */
  toResult(record: NonNullable<HeartbeatContext["last"]>): HeartbeatResult & { readonly at: number } {
    if (record.status !== "failed") return record;
    const { status, at, retryAt } = record;
    const error = this.error ?? new Error(record.error);
    return retryAt === null ? { status, at, error } : { status, at, error, retryAt };
  }
}

import type { DeferReason, HeartbeatContext, HeartbeatEvent, HeartbeatInput } from "@lanekeeper/machines";
import type { Actor, ActorLogic } from "xstate";
import type { HeartbeatResult } from "./heartbeat-control.ts";
import type { HeartbeatSettings } from "./heartbeat-options.ts";
import type { ChartSnapshot } from "../xstate/compiled-logic.ts";

/** The logic that all runners share. */
export type RunnerLogic = ActorLogic<ChartSnapshot<HeartbeatContext>, HeartbeatEvent, HeartbeatInput>;

/** Whoever asked for a heartbeat by hand and has no answer. */
export type Asker = (result: HeartbeatResult) => void;

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
  /** Who asked by hand since the last start. */
  askers: Asker[] = [];
  /** Who asked for the turn that runs. */
  runAskers: Asker[] = [];
  /** Crashes of its actor in a row. */
  crashes = 0;

  constructor(settings: HeartbeatSettings, isEnabled: boolean) {
    this.settings = settings;
    this.isEnabled = isEnabled;
  }

  /** Its turn has started: it is that of everybody who asked before. */
  started(): void {
    this.isDue = false;
    // What it waited for last needs no telling any more (B41).
    this.told = this.snapshot.context.last;
    this.runAskers = this.askers;
    this.askers = [];
  }

  /** Takes out whoever has no answer and is answered by a result. */
  takeAskers(status: HeartbeatResult["status"]): readonly Asker[] {
    const { askers, runAskers } = this;
    // What runs is another's than that of who hears that it waits, or does not start.
    const isOfRun = status !== "deferred" && status !== "skipped";
    this.askers = [];
    if (isOfRun) this.runAskers = [];
    return isOfRun ? [...runAskers, ...askers] : askers;
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

import type { Observable } from "rxjs";
import type { Completions } from "../commands/completions.ts";
import type { RouteResult } from "../commands/route-result.ts";
import type { DeadLetter } from "../store/dead-letter.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { ExecCompletion, Execution, ExecOptions, ExecReport } from "../commands/execution.ts";
import type { HeartbeatControl } from "../heartbeats/heartbeat-control.ts";
import type { Executions } from "../commands/executions.ts";
import type { Lanekeeper } from "./keeper.ts";
import { createObservation, type Observation, type Observed } from "../seeing/observation.ts";
import { type Capacity, type CapacityOptions, completeCapacity } from "./capacity-options.ts";
import {
  checkClear,
  checkId,
  checkReason,
  checkReport,
  checkTimeout,
  checkWake,
  type EventInput,
  type NotifyOptions,
  type SendOptions,
  type WakeOptions,
} from "./call-options.ts";
import { emitCancelled } from "../seeing/item-events.ts";
import type { Forgetting } from "../lanes/forgetting.ts";
import type { Redrives } from "./redrives.ts";
import { createOutputTail } from "../commands/output-tail.ts";
import type { Locks } from "../locks/lock.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Resets } from "../lanes/resets.ts";
import type { Retention } from "../store/retention.ts";
import { assertSessionKey } from "./session-key.ts";
import type { DrainResult } from "./drain-result.ts";
import type { Shutdown } from "./shutdown.ts";
import type { Explanation, SessionView, Stats } from "../seeing/views.ts";
import type { Wakes } from "../lanes/wakes.ts";
import { looking } from "../store/store-requests.ts";

/** What a keeper is made of. */
export interface KeeperParts extends Observed {
  readonly completions: Completions;
  readonly executions: Executions;
  readonly wakes: Wakes;
  readonly resets: Resets;
  readonly shutdown: Shutdown;
  readonly retention: Retention;
  readonly forgetting: Forgetting;
  readonly redrives: Redrives;
  readonly setCapacity: (capacity: Capacity) => void;
  /** Lets the process end. */
  readonly letDie: () => void;
}

/** The public calls, each handed to the part that does it. */
export class OpenLanekeeper implements Lanekeeper {
  readonly #parts: KeeperParts;
  readonly #observation: Observation;
  #closed: Promise<void> | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#observation = createObservation(parts);
  }

  get events$(): Observable<LanekeeperEvent> {
    return this.#parts.runtime.journal.events$;
  }

  get locks(): Locks {
    return this.#parts.runtime.locks.locks;
  }

  send(sessionKey: string, message: unknown, options?: SendOptions): Promise<Receipt> {
    return this.#parts.admission.send(sessionKey, message, options);
  }

  notify(sessionKey: string, event: EventInput, options?: NotifyOptions): Promise<Receipt> {
    return this.#parts.admission.notify(sessionKey, event, options);
  }

  attach(sessionKey: string, id: string): Promise<Receipt | undefined> {
    return this.#parts.admission.attach(sessionKey, id);
  }

  wake(sessionKey: string, options: WakeOptions = {}): void {
    assertSessionKey(sessionKey);
    const { reason, priority, coalesceMs } = checkWake(options);
    this.#parts.admission.assertOpen();
    this.#parts.wakes.request(sessionKey, {
      reason,
      priority: priority ?? "normal",
      coalesceMs: coalesceMs ?? 250,
      origin: this.#parts.runtime.scope.getStore()?.origin ?? "person",
    });
  }

  async exec(
    sessionKey: string,
    command: string,
    args: readonly string[] = [],
    options?: ExecOptions,
  ): Promise<Execution> {
    assertSessionKey(sessionKey);
    this.#assertExecWelcome(sessionKey, undefined);
    const execution = await this.#through(this.#parts.executions.start(sessionKey, command, args, options));
    this.#parts.retention.noteSession();
    return execution;
  }

  async expectExec(
    sessionKey: string,
    execId: string,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<void> {
    assertSessionKey(sessionKey);
    this.#assertExecWelcome(sessionKey, execId);
    await this.#through(this.#parts.executions.expect(sessionKey, execId, options));
    this.#parts.retention.noteSession();
  }

  async reportExec(report: ExecReport): Promise<RouteResult> {
    const given = checkReport(report);
    const { admission, completions, runtime, executions } = this.#parts;
    admission.assertOpen();
    const { execId } = given;
    if (given.sessionKey !== undefined) assertSessionKey(given.sessionKey);
    const known = await this.#through(runtime.request(() => runtime.mailboxes.execution(execId), looking));
    const sessionKey = given.sessionKey ?? known?.sessionKey;
    if (sessionKey === undefined) return completions.refuse(execId, undefined, "unknown-exec");
    if (known !== undefined && known.sessionKey !== sessionKey) {
      return completions.refuse(execId, sessionKey, "session-mismatch");
    }
    const now = runtime.settings.clock.now();
    const tail = createOutputTail(runtime.settings.exec.tailChars);
    tail.add(given.output ?? "");
    const signal = given.signal ?? null;
    const completion: ExecCompletion = {
      execId,
      sessionKey,
      command: known?.command,
      status: signal !== null ? "killed" : given.exitCode === 0 ? "completed" : "failed",
      exitCode: given.exitCode,
      signal,
      output: tail.text,
      truncated: tail.isTruncated,
      startedAt: known?.startedAt ?? now,
      endedAt: now,
    };
    const record = known ?? {
      execId,
      sessionKey,
      incarnation: undefined,
      command: undefined,
      startedAt: now,
      dueAt: undefined,
      state: "announced" as const,
    };
    const result = await this.#through(
      completions.route(record, completion, executions.isSilent(execId, completion)),
    );
    executions.reported(execId);
    return result;
  }

  heartbeat(agent: string): HeartbeatControl {
    const { admission, runtime } = this.#parts;
    admission.assertOpen();
    return runtime.heartbeats.control(checkId("agent", agent));
  }

  stats(): Stats {
    return this.#observation.stats();
  }

  session(sessionKey: string): SessionView | undefined {
    return this.#observation.session(sessionKey);
  }

  sessions(query?: Parameters<Lanekeeper["sessions"]>[0]): ReturnType<Lanekeeper["sessions"]> {
    return this.#observation.sessions(query);
  }

  mailbox(sessionKey: string): ReturnType<Lanekeeper["mailbox"]> {
    return this.#observation.mailbox(sessionKey);
  }

  explain(sessionKey: string): Explanation {
    return this.#observation.explain(sessionKey);
  }

  deadLetters(query?: Parameters<Lanekeeper["deadLetters"]>[0]): Promise<DeadLetter[]> {
    return this.#observation.deadLetters(query);
  }

  async clear(sessionKey: string, options?: Parameters<Lanekeeper["clear"]>[1]): Promise<number> {
    assertSessionKey(sessionKey);
    const { events, reason } = checkClear(options);
    const { admission, runtime } = this.#parts;
    admission.assertOpen();
    const withdrawn = await this.#through(
      runtime.withdrawals.withdraw({
        sessionKey,
        events: events ?? false,
        isFresh: false,
        outcome: { status: "cancelled", reason: "cleared" },
      }),
    );
    const { journal, settings } = runtime;
    if (journal.isObserved) {
      emitCancelled(runtime, withdrawn, reason);
      const at = settings.clock.now();
      journal.emit({ type: "session.cleared", at, sessionKey, count: withdrawn.length, reason });
    }
    return withdrawn.length;
  }

  async reset(sessionKey: string, reason?: string): Promise<void> {
    assertSessionKey(sessionKey);
    const checked = checkReason(reason);
    this.#parts.admission.assertOpen();
    await this.#parts.resets.request(sessionKey, checked);
  }

  async abort(sessionKey: string, reason?: string): Promise<boolean> {
    assertSessionKey(sessionKey);
    const note = checkReason(reason);
    const { admission, supervisor, runtime } = this.#parts;
    admission.assertOpen();
    return new Promise((resolve) => {
      const tryAborting = (): void => {
        const lane = supervisor.lanes.get(sessionKey);
        const detail = lane?.snapshot.leaf.detail;
        if (lane === undefined || detail === undefined) {
          resolve(false);
        } else if (detail === "busy.opening") {
          // A turn is being opened: aborted as soon as it is.
          lane.postpone(() => tryAborting());
        } else if (detail.endsWith(".running") || detail.endsWith(".aborting")) {
          lane.abortNote = note;
          runtime.tell(lane, { type: "turn.abort" });
          runtime.queue.post(() => resolve(true));
        } else {
          resolve(false);
        }
      };
      runtime.queue.post(tryAborting);
    });
  }

  async pause(sessionKey?: string): Promise<void> {
    await this.#setPaused(sessionKey, true);
  }

  async resume(sessionKey?: string): Promise<void> {
    await this.#setPaused(sessionKey, false);
  }

  async forget(sessionKey: string): Promise<boolean> {
    assertSessionKey(sessionKey);
    this.#parts.admission.assertOpen();
    return this.#parts.forgetting.forget(sessionKey);
  }

  async redrive(deadLetterId: string): Promise<Receipt> {
    return this.#parts.redrives.redrive(checkId("deadLetterId", deadLetterId));
  }

  async discard(deadLetterId: string): Promise<boolean> {
    return this.#parts.redrives.discard(checkId("deadLetterId", deadLetterId));
  }

  setCapacity(capacity: CapacityOptions): void {
    const next = completeCapacity(capacity);
    this.#parts.admission.assertOpen();
    this.#parts.setCapacity(next);
  }

  async drain(options?: { readonly timeoutMs?: number | undefined }): Promise<DrainResult> {
    const { timeoutMs } = checkTimeout("drain", options);
    const { admission, supervisor, shutdown, health, runtime } = this.#parts;
    admission.assertOpen();
    supervisor.send({ type: "keeper.drain" });
    runtime.heartbeats.drain();
    await this.#through(this.#step());
    health.check();
    return shutdown.drained(timeoutMs);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { runtime, supervisor, shutdown, executions, resets, health, wakes } = this.#parts;
    supervisor.send({ type: "keeper.close" });
    runtime.heartbeats.drain();
    runtime.locks.beginClose();
    await this.#through(this.#step());
    health.check();
    wakes.close();
    const { abortGraceMs } = runtime.settings.lane;
    await this.#through(
      Promise.all([shutdown.quiet(), executions.close(), runtime.locks.quiet(abortGraceMs)]),
    );
    await this.#through(runtime.answered());
    supervisor.send({ type: "keeper.emptied" });
    await this.#through(this.#step());
    shutdown.tell();
    resets.close();
    runtime.heartbeats.close();
    runtime.outcomes.suspendAll();
    try {
      await this.#through(runtime.locks.close());
    } finally {
      await this.#closeStore();
    }
  }

  async #closeStore(): Promise<void> {
    const { runtime, eventLoop, letDie } = this.#parts;
    try {
      // Another keeper may have it by now, if the host took it away.
      if (runtime.mailboxes.isHeld)
        await this.#through(runtime.request(() => runtime.settings.store.close()));
    } finally {
      runtime.deadlines.close();
      runtime.giveUp();
      runtime.journal.close();
      eventLoop.stop();
      letDie();
    }
  }

  #assertExecWelcome(sessionKey: string, execId: string | undefined): void {
    const { admission, runtime } = this.#parts;
    const error = admission.draining();
    if (error === undefined) return;
    const { journal, settings } = runtime;
    if (journal.isObserved) {
      const at = settings.clock.now();
      journal.emit({ type: "exec.refused", at, sessionKey, execId, reason: "draining" });
    }
    throw error;
  }

  /** What it awaits before it goes on with something. */
  #through<T>(awaited: T | PromiseLike<T>): T | PromiseLike<T> {
    return this.#parts.runtime.passages.through(awaited);
  }

  /** Resolves when what was asked for until now has been done. */
  #step(): Promise<void> {
    return new Promise((resolve) => this.#parts.runtime.queue.post(resolve));
  }

  async #setPaused(sessionKey: string | undefined, isPaused: boolean): Promise<void> {
    if (sessionKey !== undefined) assertSessionKey(sessionKey);
    const { admission, pauses } = this.#parts;
    admission.assertOpen();
    await this.#through(pauses.set(sessionKey, isPaused));
    this.#parts.retention.noteSession();
  }
}

import {
  type HeartbeatContext,
  type HeartbeatEvent,
  type HeartbeatInput,
  type LaneContext,
  type LaneEvent,
  type MailboxSummary,
} from "@lanekeeper/machines";
import { createActor } from "xstate";
import { abortError } from "../turns/abort-error.ts";
import { isActive } from "./active-hours.ts";
import { type CompletionSpacing, createCompletionSpacing } from "./completion-spacing.ts";
import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";
import type { HeartbeatControl, HeartbeatResult, HeartbeatView } from "./heartbeat-control.ts";
import { defaultSpacingMs } from "./heartbeat-options.ts";
import { turnReports, waitsFor } from "./lane-reports.ts";
import type { Lane } from "../lanes/lane.ts";
import type { LaneState } from "../seeing/views.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import { Runner, type RunnerLogic } from "./runner.ts";
import { provideRunnerEffects } from "./runner-effects.ts";
import type { Runtime } from "../keeper/runtime.ts";
import { createNewestAnswers } from "../store/newest-answers.ts";
import { backoffMs } from "../turns/verdict.ts";
import { type ChartHost, type ChartSnapshot, compileLogic } from "../xstate/compiled-logic.ts";
import { looking } from "../store/store-requests.ts";

/**
 * The heartbeats of a keeper: one runner for each agent that has them, and the spacing of what they cause (B39, B41–B48).
 *
 * Owns: the runners' actors, and which of them ask their lane for a turn.
 * Must not know: whether a session is busy (its lane's state says so).
 * I1. A runner asks its session's lane and no other; nothing of one runner waits for another's.
 * I2. What a runner hears of its turn is read off the lane's own steps.
 */
export interface Heartbeats {
  readonly spacing: CompletionSpacing;
  /** Starts the runners, with what the store has kept of them. */
  start(): Promise<void>;
  /** An agent's heartbeats. Throws `NOT_FOUND`. */
  control(agent: string): HeartbeatControl;
  /** Whether a session is some agent's heartbeats'. */
  has(sessionKey: string): boolean;
  /** The heartbeat that asks for a turn of a session, if one does. */
  due(sessionKey: string): DueHeartbeat | undefined;
  /** The same when the turn could start: one whose active hours are over asks no longer (B44). */
  admit(sessionKey: string): DueHeartbeat | undefined;
  /** A lane that has heartbeats made a step. */
  laneMoved(
    lane: Lane,
    before: ChartSnapshot<LaneContext> | undefined,
    after: ChartSnapshot<LaneContext>,
  ): void;
  /** A lane that has heartbeats crashed. */
  laneCrashed(lane: Lane, error: Error): void;
  /** The store could not say what is in a session, so it has no lane. */
  laneUnreachable(sessionKey: string, error: LanekeeperError): void;
  /** A turn of heartbeat origin starts. */
  turnStarts(turn: LiveTurn): void;
  /** What `explain` says of a session's heartbeats. */
  factsOf(sessionKey: string): Readonly<Record<string, unknown>>;
  /** What has not started is skipped: the keeper starts nothing any more. */
  drain(): void;
  /** Stops the runners; whoever waits for an answer gets one. */
  close(): void;
}

/** What a turn of a heartbeat is started with. */
export interface DueHeartbeat {
  readonly attempt: number;
  readonly preemptible: boolean;
  readonly group: string | undefined;
}

const restartBackoff = { attempts: 1, baseMs: 1_000, maxMs: 60_000 };

/** Creates the heartbeats of a keeper. */
export function createHeartbeats(
  runtime: Runtime,
  host: {
    readonly chartHost: ChartHost;
    route(sessionKey: string, event: LaneEvent): void;
    assertOpen(): void;
  },
): Heartbeats {
  const { settings, journal, queue } = runtime;
  const { clock } = settings;
  const { through } = runtime.passages;
  const byAgent = new Map<string, Runner>();
  const bySession = new Map<string, Runner>();
  /** Known before the runners are: what an earlier keeper left may run before those are started. */
  const sessions = new Set(settings.heartbeats.map(({ sessionKey }) => sessionKey));
  const newest = createNewestAnswers<string>(through);
  let isClosed = false;

  const tell = (runner: Runner, event: HeartbeatEvent): void => queue.post(deliver, runner, event);
  const deliver = (runner: Runner, event: HeartbeatEvent): void => {
    if (runner.snapshot.status === "active") runner.actor.send(event);
  };
  /** Notes the error behind what is told next, when that is told: what was told before may not have arrived. */
  const note = (runner: Runner, error: Error | undefined): void => queue.post(noteNow, runner, error);
  const noteNow = (runner: Runner, error: Error | undefined): void => {
    runner.error = error;
  };
  const machine = provideRunnerEffects({
    runtime,
    runnerOf: (agent) => byAgent.get(agent)!,
    tell,
    ask(runner) {
      runner.isDue = true;
      runner.waitsFor = runner.error = undefined;
      host.route(runner.settings.sessionKey, { type: "heartbeat.due" });
    },
    withdraw(runner) {
      if (!runner.isDue) return;
      runner.isDue = false;
      const lane = runtime.lanes.get(runner.settings.sessionKey);
      // One that is about to start looks whether it is asked.
      if (lane !== undefined) runtime.tell(lane, { type: "heartbeat.withdrawn" });
    },
  });
  const logic: RunnerLogic = compileLogic<HeartbeatContext, HeartbeatEvent, HeartbeatInput>(
    machine,
    host.chartHost,
  );

  const startActor = (runner: Runner, starts: readonly number[]): void => {
    const { agent, sessionKey, everyMs, minSpacingMs } = runner.settings;
    const { isEnabled: enabled } = runner;
    runner.actor = createActor(logic, {
      id: `heartbeat:${agent}`,
      input: { agent, sessionKey, everyMs, minSpacingMs, enabled, starts, at: clock.now() },
    });
    runner.actor.subscribe({ error: (error) => crashed(runner, toError(error)) });
    runner.actor.start();
  };
  const crashed = (runner: Runner, error: Error): void => {
    const { agent } = runner.settings;
    const { starts } = runner.snapshot.context;
    journal.error(`heartbeat:${agent}`, { agent, error }, "A heartbeat runner crashed; it is started anew.");
    for (const answer of runner.takeAskers("failed")) answer({ status: "failed", error });
    if (isClosed) return;
    const inMs = backoffMs(runner.crashes++, restartBackoff, () => 0.999);
    runtime.deadlines.arm(inMs, () => startActor(runner, starts));
  };
  const refuse = (runner: Runner, reason: "paused" | "draining" | "quiet-hours"): void =>
    tell(runner, { type: "turn.refused", at: clock.now(), reason });

  const dueOf = (runner: Runner): DueHeartbeat => {
    const { preemptible, group } = runner.settings;
    const ownGroup = runtime.capacity.groups.has("heartbeat") ? "heartbeat" : undefined;
    return { attempt: runner.attempt, preemptible, group: group ?? ownGroup };
  };

  const setEnabled = async (runner: Runner, isEnabled: boolean): Promise<void> => {
    host.assertOpen();
    const { agent } = runner.settings;
    const { starts } = runner.snapshot.context;
    const isNewest = await through(
      newest.ask(agent, () =>
        runtime.request(() => runtime.mailboxes.recordHeartbeat({ agent, isEnabled, starts })),
      ),
    );
    if (!isNewest) return;
    runner.isEnabled = isEnabled;
    tell(runner, { type: isEnabled ? "heartbeat.enable" : "heartbeat.disable", at: clock.now() });
    await new Promise<void>((resolve) => queue.post(resolve));
  };
  const view = (runner: Runner): HeartbeatView => {
    const { leaf, context } = runner.snapshot;
    const { result } = runner;
    return {
      agent: runner.settings.agent,
      sessionKey: runner.settings.sessionKey,
      state: leaf.state as LaneState,
      detail: leaf.detail,
      ...(context.nextAt === null ? {} : { nextAt: context.nextAt }),
      ...(result === undefined ? {} : { last: result }),
    };
  };

  const spacing = createCompletionSpacing(runtime, {
    spacingOf: (sessionKey) => bySession.get(sessionKey)?.settings.minSpacingMs ?? defaultSpacingMs,
    isDue: (sessionKey) => bySession.get(sessionKey)?.isDue === true,
    released: (sessionKey: string, mailbox: MailboxSummary) =>
      host.route(sessionKey, { type: "mailbox.changed", mailbox }),
  });

  return {
    spacing,
    async start() {
      if (settings.heartbeats.length === 0) return;
      const kept = await through(runtime.request(() => runtime.mailboxes.heartbeats(), looking));
      for (const heartbeat of settings.heartbeats) {
        const state = kept.find(({ agent }) => agent === heartbeat.agent);
        const runner = new Runner(heartbeat, state?.isEnabled ?? true);
        byAgent.set(heartbeat.agent, runner);
        bySession.set(heartbeat.sessionKey, runner);
        startActor(runner, state?.starts ?? []);
      }
    },
    control(agent) {
      const runner = byAgent.get(agent);
      if (runner === undefined) {
        throw new LanekeeperError(
          "NOT_FOUND",
          `Agent ${agent} has no heartbeats. Give it some in the option heartbeats.`,
          { agent },
        );
      }
      return {
        request: async () => {
          host.assertOpen();
          return new Promise((answer) => {
            // Not before it is heard: what is told until then answers others.
            queue.post(() => {
              if (isClosed) {
                answer(closedResult());
                return;
              }
              runner.askers.push(answer);
              deliver(runner, { type: "heartbeat.request", at: clock.now() });
            });
          });
        },
        inspect: () => view(runner),
        enable: () => setEnabled(runner, true),
        disable: () => setEnabled(runner, false),
      };
    },
    has: (sessionKey) => sessions.has(sessionKey),
    due(sessionKey) {
      const runner = bySession.get(sessionKey);
      return runner?.isDue === true ? dueOf(runner) : undefined;
    },
    admit(sessionKey) {
      const runner = bySession.get(sessionKey);
      if (runner?.isDue !== true) return undefined;
      if (isActive(runner.settings.activeHours, clock.now())) return dueOf(runner);
      runner.isDue = false;
      refuse(runner, "quiet-hours");
      return undefined;
    },
    laneMoved(lane, before, after) {
      const runner = bySession.get(lane.sessionKey);
      if (runner === undefined) return;
      const { context } = after;
      const time = { now: clock.now(), mono: clock.monotonic() };
      for (const event of turnReports(lane, before, after, time)) {
        if (event.type === "turn.started") runner.started();
        if (event.type === "turn.aborted" && lane.turn !== undefined)
          note(runner, abortError(event.reason, lane.turn, lane.abortNote));
        if (event.type === "turn.failed") note(runner, lane.turn?.error);
        tell(runner, event);
      }
      if (!runner.isDue) return;
      if (context.heartbeatDue) {
        const reason = waitsFor(after, lane.claim);
        if (reason === undefined || reason === runner.waitsFor) return;
        runner.waitsFor = reason;
        const at = time.now;
        if (reason === "session-busy") tell(runner, { type: "session.occupied", at });
        else tell(runner, { type: "capacity.filled", at, reason });
      } else if (context.pausedBy.session || context.pausedBy.keeper) {
        // It was forgotten, or is about to be.
        runner.isDue = false;
        refuse(runner, "paused");
      }
    },
    laneCrashed(lane, error) {
      const runner = bySession.get(lane.sessionKey);
      if (runner === undefined || lane.snapshot.context.turn?.cause !== "heartbeat") return;
      note(runner, error);
      tell(runner, { type: "lane.crashed", at: clock.now(), error: messageOf(error) });
    },
    laneUnreachable(sessionKey, error) {
      const runner = bySession.get(sessionKey);
      if (runner?.isDue !== true) return;
      note(runner, error);
      tell(runner, { type: "lane.unreachable", at: clock.now(), error: messageOf(error) });
    },
    turnStarts({ sessionKey, cause }) {
      spacing.started(sessionKey);
      const runner = bySession.get(sessionKey);
      if (runner !== undefined && cause !== "heartbeat")
        tell(runner, { type: "turn.inherited", at: clock.now() });
    },
    factsOf(sessionKey) {
      const runner = bySession.get(sessionKey);
      const heldInMs = spacing.heldInMs(sessionKey);
      const facts = heldInMs === undefined ? {} : { completionsHeldMs: Math.round(heldInMs) };
      if (runner === undefined) return facts;
      const { agent, state, detail, nextAt, last } = view(runner);
      const { retryAt } = runner.snapshot.context;
      const soonest = Math.min(nextAt ?? Infinity, retryAt ?? Infinity);
      const heartbeat = {
        agent,
        state,
        detail,
        ...(soonest === Infinity ? {} : { nextInMs: Math.max(0, Math.round(soonest - clock.now())) }),
        ...(runner.isDue && runner.waitsFor !== undefined ? { deferredBy: runner.waitsFor } : {}),
        ...(last === undefined ? {} : { last }),
      };
      return { ...facts, heartbeat };
    },
    drain() {
      for (const runner of byAgent.values()) if (runner.isDue) refuse(runner, "draining");
    },
    close() {
      isClosed = true;
      for (const runner of byAgent.values()) {
        runner.actor.stop();
        for (const answer of runner.takeAskers("failed")) answer(closedResult());
      }
    },
  };
}

/** Nobody who asked and forgot is to die of a rejection. */
function closedResult(): HeartbeatResult {
  const error = new LanekeeperError("CLOSED", "The keeper closed before the heartbeat had ended.");
  return { status: "failed", error };
}

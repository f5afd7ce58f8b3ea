import {
  type HeartbeatAsk,
  type HeartbeatContext,
  type HeartbeatEvent,
  heartbeatRunnerMachine,
} from "@lanekeeper/machines";
import { fromCallback } from "xstate";
import { isActive } from "./active-hours.ts";
import type { HeartbeatResult } from "./heartbeat-control.ts";
import type { Runner } from "./runner.ts";
import type { Runtime } from "../keeper/runtime.ts";

/** What the runners' chart needs of the keeper. */
export interface RunnerHost {
  readonly runtime: Runtime;
  runnerOf(agent: string): Runner;
  tell(runner: Runner, event: HeartbeatEvent): void;
  /** Asks the session's lane for the turn. */
  ask(runner: Runner): void;
  /** Asks it no longer. */
  withdraw(runner: Runner): void;
}

/**
 * What a heartbeat runner's statechart names and the runtime does.
 *
 * I1. An effect reports back by an event, through the queue.
 */
export function provideRunnerEffects(host: RunnerHost): typeof heartbeatRunnerMachine {
  const { runtime } = host;
  const { settings, journal } = runtime;
  const { clock } = settings;
  const leftMs = (until: number | null): number => Math.max(0, (until ?? 0) - clock.now());
  const answer = (runner: Runner, { last }: HeartbeatContext): void => {
    if (last === null) return;
    const result = withoutInstant(runner.toResult(last));
    for (const tell of runner.takeAskers(last.status)) tell(result);
  };

  return heartbeatRunnerMachine.provide({
    actors: {
      clock: fromCallback<HeartbeatEvent>(({ sendBack }) => {
        sendBack({ type: "clock.read", at: clock.now() });
      }),
      request: fromCallback<HeartbeatEvent, HeartbeatAsk>(({ input, sendBack }) => {
        const runner = host.runnerOf(input.agent);
        if (!runtime.isServing()) {
          sendBack({ type: "turn.refused", at: clock.now(), reason: "draining" });
          return undefined;
        }
        host.ask(runner);
        return () => host.withdraw(runner);
      }),
    },
    actions: {
      reportResult: ({ context }) => {
        const runner = host.runnerOf(context.agent);
        if (context.last === null || context.last === runner.told) return;
        runner.told = context.last;
        report(runtime, runner, context);
        answer(runner, context);
      },
      answerRequest: ({ context }) => answer(host.runnerOf(context.agent), context),
      saveStarts: ({ context }) => {
        const { agent, starts } = context;
        const { isEnabled } = host.runnerOf(agent);
        runtime.ask(
          () => runtime.mailboxes.recordHeartbeat({ agent, isEnabled, starts }),
          () => {},
          (error) =>
            journal.warn(
              `heartbeat:${agent}`,
              { agent, error },
              "A heartbeat's start could not be kept: a later keeper may start one too soon.",
            ),
        );
      },
    },
    guards: {
      isQuietHours: ({ context }, { at }) => !isActive(host.runnerOf(context.agent).settings.activeHours, at),
    },
    delays: {
      dueTime: ({ context }) => leftMs(context.nextAt),
      retryTime: ({ context }) => leftMs(context.retryAt),
    },
  });
}

/** Tells everybody what became of a heartbeat (B42, B61). */
function report({ journal }: Runtime, runner: Runner, { agent, sessionKey, last }: HeartbeatContext): void {
  if (!journal.isObserved || last === null) return;
  const result = runner.toResult(last);
  const facts = { at: result.at, agent, sessionKey };
  switch (result.status) {
    case "ran":
      return journal.emit({ type: "heartbeat.ran", ...facts, durationMs: result.durationMs });
    case "deferred":
      return journal.emit({ type: "heartbeat.deferred", ...facts, reason: result.reason });
    case "skipped":
      return journal.emit({ type: "heartbeat.skipped", ...facts, reason: result.reason });
    case "failed":
      return journal.emit({
        type: "heartbeat.failed",
        ...facts,
        error: result.error,
        retryAt: result.retryAt,
      });
    case "preempted":
      return journal.emit({ type: "heartbeat.preempted", ...facts });
  }
}

function withoutInstant({ at: _, ...result }: HeartbeatResult & { readonly at: number }): HeartbeatResult {
  return result;
}

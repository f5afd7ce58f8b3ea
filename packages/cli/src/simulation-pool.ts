import { Worker } from "node:worker_threads";
import { CliError } from "./errors.ts";
import type { Scenario } from "./scenario.ts";
import type { Run, Shrinking, WorkerMessage } from "./simulate-worker.ts";

/** How many runs are how far. */
export interface SimulationProgress {
  /** Those that are over. */
  readonly runs: number;
  readonly underWay: number;
  readonly total: number;
  /** Runs that broke a rule, also those that are being made smaller. */
  readonly failures: number;
  /** How much of all runs is over, from 0 to 1, by their simulated time. */
  readonly share: number;
  /** Of the runs that are over, and so far of those that are not; not what making one smaller simulates. */
  readonly simulatedMs: number;
  readonly realMs: number;
  /** What is being made smaller. */
  readonly shrinking: readonly (Shrinking & { readonly seed: number })[];
}

/** A run whose worker died of it. */
export interface DeadRun {
  readonly seed: number;
  readonly error: Error;
}

/** A run that broke a rule and was given up before it was made smaller. */
export interface GivenUpRun {
  readonly seed: number;
  readonly rule: string;
  readonly scenario: Scenario;
}

/** What may become of a run. */
export type FinishedRun = Run | DeadRun | GivenUpRun;

interface RunUnderWay {
  readonly scenario: Scenario;
  simulatedMs: number;
  shrinking?: Shrinking;
}

/** Who watches, and how it is ended early. */
export interface PoolHooks {
  /** Ends it: runs that are not over are given up. */
  readonly stop: AbortSignal;
  onBegin(progress: () => SimulationProgress): void;
  onRun(run: FinishedRun): void;
}

// Built files have another name than their sources.
const workerFile = import.meta.url.endsWith(".ts") ? "./simulate-worker.ts" : "./simulate-worker.js";

/**
 * Runs scenarios on so many worker threads at once. Rejects with `BAD_COMMANDS` where one cannot be run at all.
 *
 * I1. A run that ends its worker is told as such, and the others go on.
 */
export async function runSimulations(
  scenarios: readonly Scenario[],
  workers: number,
  { stop, onBegin, onRun }: PoolHooks,
): Promise<SimulationProgress> {
  const begun = performance.now();
  const waiting = [...scenarios];
  const running = new Map<Worker, RunUnderWay>();
  let [runs, failures, simulatedMs] = [0, 0, 0];
  const progress = (): SimulationProgress => {
    const underWay = [...running.values()];
    const shrinking = underWay.flatMap(({ scenario, shrinking: how }) =>
      how === undefined ? [] : { seed: scenario.seed, ...how },
    );
    const doneOf = ({ scenario, simulatedMs: ms }: RunUnderWay): number =>
      Math.min(1, ms / (scenario.minutes * 60_000));
    return {
      runs,
      underWay: underWay.length,
      total: scenarios.length,
      failures: failures + shrinking.length,
      share: underWay.reduce((sum, one) => sum + doneOf(one), runs) / scenarios.length,
      simulatedMs: underWay.reduce((sum, one) => sum + one.simulatedMs, simulatedMs),
      realMs: performance.now() - begun,
      shrinking,
    };
  };
  const over = (worker: Worker, run: FinishedRun): void => {
    simulatedMs += "simulatedMs" in run ? run.simulatedMs : running.get(worker)!.simulatedMs;
    running.delete(worker);
    runs++;
    if (!("hash" in run) || run.failure !== undefined) failures++;
    onRun(run);
  };
  onBegin(progress);

  /** One worker, until nothing waits any more; another takes its place where a run has ended it. */
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(workerFile, import.meta.url));
      const finish = (): void => {
        stop.removeEventListener("abort", finish);
        const current = running.get(worker);
        if (current?.shrinking !== undefined) {
          const { scenario, shrinking } = current;
          over(worker, { seed: scenario.seed, rule: shrinking.rule, scenario });
        }
        running.delete(worker);
        void worker.terminate().then(() => resolve());
      };
      const next = (): void => {
        const scenario = stop.aborted ? undefined : waiting.shift();
        if (scenario === undefined) {
          finish();
          return;
        }
        running.set(worker, { scenario, simulatedMs: 0 });
        worker.postMessage(scenario);
      };
      stop.addEventListener("abort", finish, { once: true });
      worker.on("message", (message: WorkerMessage) => {
        const current = running.get(worker);
        if (current === undefined) return;
        if (message.type === "progress") current.simulatedMs = message.simulatedMs;
        else if (message.type === "shrinking") current.shrinking = message.shrinking;
        else if (message.type === "done") {
          over(worker, message.run);
          next();
        } else {
          waiting.length = 0;
          finish();
          reject(new CliError("BAD_COMMANDS", message.message));
        }
      });
      worker.on("error", (error: Error) => {
        const { seed } = running.get(worker)!.scenario;
        stop.removeEventListener("abort", finish);
        over(worker, { seed, error });
        resolve(work());
      });
      next();
    });
  await Promise.all(Array.from({ length: Math.min(workers, scenarios.length) }, work));
  return progress();
}

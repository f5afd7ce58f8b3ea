import { Worker } from "node:worker_threads";
import { CliError } from "./errors.ts";
import type { Scenario } from "./scenario.ts";
import type { Run, WorkerMessage } from "./simulate-worker.ts";

/** How many runs are how far. */
export interface SimulationProgress {
  readonly runs: number;
  readonly total: number;
  readonly failures: number;
  /** Of the runs that are over, and so far of those that are not. */
  readonly simulatedMs: number;
  readonly realMs: number;
  /** What is being made smaller. */
  readonly shrinking: readonly { readonly seed: number; readonly runs: number; readonly commands: number }[];
}

/** A run whose worker died of it. */
export interface DeadRun {
  readonly seed: number;
  readonly error: Error;
}

/** Who watches, and how it is ended early. */
export interface PoolHooks {
  /** Ends it: runs that are not over are given up. */
  readonly stop: AbortSignal;
  onBegin(progress: () => SimulationProgress): void;
  onRun(run: Run | DeadRun): void;
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
  const running = new Map<
    Worker,
    { readonly scenario: Scenario; simulatedMs: number; shrinking?: Shrinking }
  >();
  let [runs, failures, simulatedMs] = [0, 0, 0];
  const progress = (): SimulationProgress => ({
    runs,
    total: scenarios.length,
    failures,
    simulatedMs: [...running.values()].reduce((sum, one) => sum + one.simulatedMs, simulatedMs),
    realMs: performance.now() - begun,
    shrinking: [...running.values()].flatMap(({ scenario, shrinking }) =>
      shrinking === undefined ? [] : { seed: scenario.seed, ...shrinking },
    ),
  });
  const over = (run: Run | DeadRun): void => {
    runs++;
    if ("error" in run || run.failure !== undefined) failures++;
    if ("simulatedMs" in run) simulatedMs += run.simulatedMs;
    onRun(run);
  };
  onBegin(progress);

  /** One worker, until nothing waits any more; another takes its place where a run has ended it. */
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(workerFile, import.meta.url));
      const finish = (): void => {
        stop.removeEventListener("abort", finish);
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
        else if (message.type === "shrinking") current.shrinking = message;
        else if (message.type === "done") {
          running.delete(worker);
          over(message.run);
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
        running.delete(worker);
        over({ seed, error });
        resolve(work());
      });
      next();
    });
  await Promise.all(Array.from({ length: Math.min(workers, scenarios.length) }, work));
  return progress();
}

interface Shrinking {
  readonly runs: number;
  readonly commands: number;
}

import type { Execution } from "lanekeeper";

/** The real commands the replay has started and that have not ended. */
export interface RunningCommands {
  /** How many run or wait to be started. */
  readonly running: number;
  /** Starts one and resolves when it runs; it counts as running from this call to its end. */
  start(launch: () => Promise<Execution>): Promise<Execution>;
  /** Resolves when none runs. */
  ended(): Promise<void>;
}

/** Keeps count of commands; `oneByOne` starts each after the one before it has ended, so that their order is always the same. */
export function createRunningCommands(options: { readonly oneByOne: boolean }): RunningCommands {
  let running = 0;
  let lastEnd: Promise<void> = Promise.resolve();
  let onEnded: (() => void)[] = [];

  const settle = () => {
    running -= 1;
    if (running > 0) return;
    const listeners = onEnded;
    onEnded = [];
    for (const listener of listeners) listener();
  };

  return {
    get running() {
      return running;
    },
    start(launch) {
      running += 1;
      const launched = options.oneByOne ? lastEnd.then(launch) : launch();
      lastEnd = launched.then((execution) => execution.done).then(settle, settle);
      return launched;
    },
    ended() {
      if (running === 0) return Promise.resolve();
      return new Promise((resolve) => onEnded.push(resolve));
    },
  };
}

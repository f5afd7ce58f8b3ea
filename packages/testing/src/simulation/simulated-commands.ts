import {
  type ProcessCommand,
  type Processes,
  type ScriptedProcess,
  scriptedProcesses,
} from "lanekeeper/ports";
import { createChanceFor } from "../chance.ts";

/**
 * The commands of one machine. Their names, with the seed, say how they go: how long, what they write, how they end, and
 * which signals end them. The name `missing` cannot be started.
 *
 * I1. A command outlives the keeper that started it; a later one finds it.
 */
export interface SimulatedCommands {
  /** As one keeper reaches them. It hears of what it started through `tell`, in order. */
  reachedBy(tell: (callback: () => void) => void): Processes;
  /** Names of those that run although there are signals that would end them. */
  readonly running: readonly string[];
}

/** Creates the commands of a machine, on which `after` calls back so much later. */
export function simulatedCommands(
  seed: number,
  after: (ms: number, callback: () => void) => void,
): SimulatedCommands {
  const onStart = (process: ScriptedProcess): void => {
    const chance = createChanceFor("command", seed, nameOf(process));
    let ms = 0;
    for (let writes = chance.below(4); writes > 0; writes--) {
      ms += chance.below(1_000);
      after(ms, () => process.write(`${writes} `.repeat(1 + chance.below(100))));
    }
    // Some never end by themselves.
    if (chance.happens(0.1)) return;
    ms += chance.below(chance.pick([10, 3_000, 30_000]));
    const exitCode = chance.below(2);
    after(ms, () => process.end(exitCode));
  };
  const obeys = (command: ProcessCommand): readonly NodeJS.Signals[] => {
    const kind = createChanceFor("obeys", seed, nameOf(command)).next();
    return kind < 0.7 ? ["SIGTERM", "SIGINT", "SIGKILL"] : kind < 0.95 ? ["SIGKILL"] : [];
  };
  const { start, find, findStarted, started } = scriptedProcesses({ onStart, obeys, areFound: true });
  return {
    reachedBy: (tell) => ({
      async start(command, listener) {
        if (nameOf(command) === "missing")
          throw Object.assign(new Error("spawn missing ENOENT"), { code: "ENOENT" });
        const untold: (() => void)[] = [];
        // However late the keeper's process hears of one, the next comes after it.
        const inOrder = (callback: () => void): void => {
          untold.push(callback);
          tell(() => untold.shift()!());
        };
        return start(command, {
          output: (text) => inOrder(() => listener.output(text)),
          ended: (exitCode, signal) => inOrder(() => listener.ended(exitCode, signal)),
        });
      },
      find: find!,
      findStarted: findStarted!,
    }),
    get running() {
      return started.filter((one) => !one.hasEnded && obeys(one).length > 0).map(nameOf);
    },
  };
}

function nameOf({ args }: Pick<ProcessCommand, "args">): string {
  return args[0] ?? "";
}

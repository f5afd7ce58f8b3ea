import { type Processes, type ScriptedProcess, scriptedProcesses } from "lanekeeper/ports";
import { createChanceFor } from "../chance.ts";

/**
 * Commands whose names, with the seed, say how they go: how long, what they write, how they end, and which signals end them.
 * `after` calls back in the process that started them. The name `missing` cannot be started.
 */
export function simulatedCommands(
  seed: number,
  after: (ms: number, callback: () => void) => void,
): Processes {
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
  const obedient = scriptedProcesses({ onStart });
  const stubborn = scriptedProcesses({ onStart, obeys: ["SIGKILL"] });
  const unkillable = scriptedProcesses({ onStart, obeys: [] });
  return {
    async start(command, listener) {
      const name = nameOf(command);
      if (name === "missing") throw Object.assign(new Error("spawn missing ENOENT"), { code: "ENOENT" });
      const kind = createChanceFor("obeys", seed, name).next();
      const runner = kind < 0.7 ? obedient : kind < 0.95 ? stubborn : unkillable;
      return runner.start(command, listener);
    },
  };
}

function nameOf({ args }: Pick<ScriptedProcess, "args">): string {
  return args[0] ?? "";
}

import type { ProcessCommand, Processes, ProcessListener, StartedProcess } from "./processes.ts";

/** A command that a script, not a system, runs. */
export interface ScriptedProcess extends ProcessCommand {
  readonly pid: number;
  /** Signals it was sent, in order. */
  readonly signals: readonly NodeJS.Signals[];
  readonly hasEnded: boolean;
  /** Writes output. */
  write(text: string): void;
  /** Ends it. The second time it does nothing. */
  end(exitCode: number | null, signal?: string | null): void;
}

/** Processes that do what a test tells them; in memory, on no clock. */
export interface ScriptedProcesses extends Processes {
  /** Every process that was started, in order. */
  readonly started: readonly ScriptedProcess[];
}

/**
 * Creates scripted processes. `onStart` may script each; `obeys` are the signals that end one at once, all or each by itself
 * (default SIGTERM, SIGINT and SIGKILL). A command named in `missing` cannot be started. With `areFound` each has a mark and is
 * found, by that or by its command's id, as long as it runs, also by a later keeper.
 */
export function scriptedProcesses(
  options: {
    readonly onStart?: ((process: ScriptedProcess) => void) | undefined;
    readonly obeys?:
      | readonly NodeJS.Signals[]
      | ((command: ProcessCommand) => readonly NodeJS.Signals[])
      | undefined;
    readonly missing?: readonly string[] | undefined;
    readonly areFound?: boolean | undefined;
  } = {},
): ScriptedProcesses {
  const started: ScriptedProcess[] = [];
  const running = new Map<number, { readonly execId: string; readonly handle: StartedProcess }>();
  const { obeys = ["SIGTERM", "SIGINT", "SIGKILL"] } = options;
  return {
    started,
    async start(command, listener) {
      if (options.missing?.includes(command.command) === true) {
        throw Object.assign(new Error(`spawn ${command.command} ENOENT`), { code: "ENOENT" });
      }
      const pid = 1_000 + started.length;
      const scripted = createProcess(
        command,
        {
          output: (text) => listener.output(text),
          ended(exitCode, signal) {
            running.delete(pid);
            listener.ended(exitCode, signal);
          },
        },
        pid,
      );
      started.push(scripted.process);
      // After the caller knows that it was started, as with a real one.
      queueMicrotask(() => options.onStart?.(scripted.process));
      const handle: StartedProcess = {
        pid,
        ...(options.areFound === true ? { mark: `scripted ${pid}` } : {}),
        kill(signal) {
          if (!scripted.receive(signal)) return false;
          if ((typeof obeys === "function" ? obeys(command) : obeys).includes(signal))
            scripted.process.end(null, signal);
          return true;
        },
      };
      running.set(pid, { execId: command.execId, handle });
      return handle;
    },
    async find({ pid, mark }) {
      const handle = running.get(pid)?.handle;
      return handle?.mark === mark ? handle : undefined;
    },
    async findStarted(execId) {
      const found = [...running.values()].find((one) => one.execId === execId);
      return options.areFound === true ? found?.handle : undefined;
    },
  };
}

function createProcess(
  command: ProcessCommand,
  listener: ProcessListener,
  pid: number,
): { readonly process: ScriptedProcess; receive(signal: NodeJS.Signals): boolean } {
  const signals: NodeJS.Signals[] = [];
  let hasEnded = false;
  return {
    process: {
      ...command,
      pid,
      signals,
      get hasEnded() {
        return hasEnded;
      },
      write: (text) => {
        if (!hasEnded) listener.output(text);
      },
      end: (exitCode, signal = null) => {
        if (hasEnded) return;
        hasEnded = true;
        listener.ended(exitCode, signal);
      },
    },
    receive(signal) {
      if (hasEnded) return false;
      signals.push(signal);
      return true;
    },
  };
}

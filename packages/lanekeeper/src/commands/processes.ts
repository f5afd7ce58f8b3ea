/**
 * The processes port: start a command, stream its output, kill its group; find the group of one that an earlier keeper
 * started and did not see end.
 *
 * I1. A command is started without a shell, in a process group of its own.
 * I2. `ended` is called exactly once for a command that was started, after its last output.
 * I3. A command that cannot be started rejects, and nothing is called.
 * I4. What is found is what was started: a process that merely has its number by now is not.
 * I5. What is found by a command's id was started for it by somebody who is over: what another keeper runs is not.
 */
export interface Processes {
  /** Starts a command. Rejects with what the system said if it cannot be started. */
  start(command: ProcessCommand, listener: ProcessListener): Promise<StartedProcess>;
  /** Finds a process that was started, in this process's life or another's; undefined once it is over. Without it none is. */
  find?(identity: ProcessIdentity): Promise<StartedProcess | undefined>;
  /**
   * Finds the process of a command whose keeper died before it could be recorded who that is; undefined where there is none,
   * or where whoever started it still runs. Without it none is.
   */
  findStarted?(execId: string): Promise<StartedProcess | undefined>;
}
/** Who a process is, over the end of whoever started it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** What no later process of that number has, such as when it started. */
  readonly mark: string;
}
/** What to start. */
export interface ProcessCommand {
  /** Whose process it will be: by this it is found whose start was never recorded. */
  readonly execId: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
}
/** Whom to tell. */
export interface ProcessListener {
  /** Text from stdout or stderr. */
  output(text: string): void;
  /** Its end. */
  ended(exitCode: number | null, signal: string | null): void;
}
/** A process that was started. */
export interface StartedProcess {
  readonly pid: number;
  /** Its identity's; absent where the system has none. Then no later keeper finds it. */
  readonly mark?: string | undefined;
  /** Sends a signal to its whole group; false if nobody was left to receive it. */
  kill(signal: NodeJS.Signals): boolean;
}

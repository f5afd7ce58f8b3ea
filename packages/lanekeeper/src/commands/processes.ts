/**
 * The processes port: start a command, stream its output, kill its group.
 *
 * I1. A command is started without a shell, in a process group of its own.
 * I2. `ended` is called exactly once for a command that was started, after its last output.
 * I3. A command that cannot be started rejects, and nothing is called.
 */
export interface Processes {
  /** Starts a command. Rejects with what the system said if it cannot be started. */
  start(command: ProcessCommand, listener: ProcessListener): Promise<StartedProcess>;
}
/** What to start. */
export interface ProcessCommand {
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
  /** Sends a signal to its whole group; false if nobody was left to receive it. */
  kill(signal: NodeJS.Signals): boolean;
}

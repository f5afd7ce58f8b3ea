/** How a command ended. */
export interface ExecCompletion {
  readonly execId: string;
  readonly sessionKey: string;
  readonly command?: string | undefined;
  /** `lost`: nobody can tell how it ended, because its process died or its time passed unreported. */
  readonly status: "completed" | "failed" | "timed-out" | "killed" | "lost";
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The end of what it wrote to stdout and stderr, at most `tailChars` characters. */
  readonly output: string;
  /** Whether it wrote more than that. */
  readonly truncated: boolean;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A command that was started. */
export interface Execution {
  readonly execId: string;
  readonly sessionKey: string;
  /** Of the process, which leads its own process group. */
  readonly pid: number;
  /** Sends a signal to its process group, by default SIGTERM followed after `killGraceMs` by SIGKILL. */
  kill(signal?: NodeJS.Signals): void;
  /** Its end. Never rejects. */
  readonly done: Promise<ExecCompletion>;
}

/** How a command is run. Every member may be left out. */
export interface ExecOptions {
  /** Its working directory. Default: this process's own. */
  readonly cwd?: string | undefined;
  /** Added to this process's own environment. `LANEKEEPER_EXEC_ID` is always the command's own `execId`. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Then SIGTERM, and `killGraceMs` later SIGKILL. Default 3,600,000. */
  readonly timeoutMs?: number | undefined;
  /** Which completions become an event. Default "always". */
  readonly notify?: "always" | "output-or-failure" | "never" | undefined;
  /** Characters of output kept at the end. Default 8,000. */
  readonly tailChars?: number | undefined;
  /** Between SIGTERM and SIGKILL, in milliseconds. Default 5,000. */
  readonly killGraceMs?: number | undefined;
}

/** The report of a command that ran elsewhere. */
export interface ExecReport {
  readonly execId: string;
  /**
   * Required for a command that was neither started nor announced here; else it may be left out, and another than the
   * remembered one is refused.
   */
  readonly sessionKey?: string | undefined;
  readonly exitCode: number | null;
  readonly signal?: string | null | undefined;
  readonly output?: string | undefined;
}

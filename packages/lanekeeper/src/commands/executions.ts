import type { Deadline } from "../time/deadlines.ts";
import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";
import type { ExecCompletion, Execution, ExecOptions } from "./execution.ts";
import type { Origin } from "../heartbeats/origin.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import { checkCommand, completeExecOptions, type ExecSettings } from "./exec-settings.ts";
import { checkId, checkTimeout } from "../keeper/call-options.ts";
import { endOrphan } from "./orphans.ts";
import { createOutputTail, type OutputTail } from "./output-tail.ts";
import { reapMs, withDeadline } from "./process-deadlines.ts";
import type { ProcessIdentity, StartedProcess } from "./processes.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { ExecutionRecord } from "../store/store.ts";

/**
 * Background and foreground commands: real processes, and announcements of commands that run elsewhere.
 *
 * Owns: each process from its start to its recorded end, and its deadlines.
 * Must not know: how a completion reaches its session (`completions.ts`).
 * I1. A command is recorded before it is started (B55).
 * I2. A process that was started ends: by itself, by its time-out, with its turn, or by close.
 * I3. Every `done` settles.
 */
export interface Executions {
  /** Starts a command for a session. Rejects with `INVALID_OPTION` or `EXEC_FAILED`. */
  start(
    sessionKey: string,
    command: string,
    args: readonly string[],
    options: ExecOptions | undefined,
    owner?: Owner,
  ): Promise<Execution>;
  /** Announces a command that runs elsewhere. */
  expect(sessionKey: string, execId: string, options: unknown, origin?: Origin): Promise<void>;
  /**
   * Takes over the commands of an earlier keeper: those that ran are ended, and only when all are over is the first one lost;
   * one that was announced is waited for until its time is over (B37). Rejects when the store fails.
   */
  takeOver(records: readonly ExecutionRecord[]): Promise<void>;
  /** Whether a command's completion concerns its turn or nobody, and is no event (B38a). */
  isSilent(execId: string, completion: ExecCompletion): boolean;
  /** Forgets the deadline of an announced command that was reported. */
  reported(execId: string): void;
  /** Ends every process: SIGTERM, then SIGKILL. Resolves when all have ended and are recorded. */
  close(): Promise<void>;
}

/** How the end of a command is handed on: to be recorded and routed, once. */
export type CompletionSink = (
  record: ExecutionRecord,
  completion: ExecCompletion,
  isSilent: boolean,
) => Promise<unknown>;

/** Whose command it is, unless nobody's turn started it. */
interface Owner {
  readonly turn: LiveTurn;
  readonly isForeground: boolean;
}

/** Milliseconds the system has to start a process. */
const startDeadlineMs = 30_000;
/** Milliseconds after which an announced command counts as lost, by default: 24 h. */
const announcedMs = 86_400_000;

interface RunningCommand {
  readonly record: ExecutionRecord;
  readonly settings: ExecSettings;
  readonly owner: Owner | undefined;
  readonly tail: OutputTail;
  /** Settles once its end is recorded. */
  readonly done: Promise<ExecCompletion>;
  readonly settle: (completion: ExecCompletion) => void;
  /** Settles when its whole group is gone as well, or when it could not be started. */
  readonly over: Promise<void>;
  readonly finish: () => void;
  process: StartedProcess | undefined;
  verdict: "timed-out" | "killed" | undefined;
  timer: Deadline | undefined;
  hasEnded: boolean;
  /** Whether its group was sent SIGKILL. */
  wasKilled: boolean;
  /** Set while what it started outlives it: told when that was killed. */
  groupGone: (() => void) | undefined;
}

/** Creates the executions of a keeper. */
export function createExecutions(
  runtime: Runtime,
  { deliver, route }: { readonly deliver: CompletionSink; readonly route: CompletionSink },
): Executions {
  const { settings, deadlines, journal } = runtime;
  const { enter, through } = runtime.passages;
  const running = new Map<string, RunningCommand>();
  const announced = new Map<string, Deadline>();
  let isClosed = false;

  /** SIGTERM, then SIGKILL after the grace. */
  const terminate = (command: RunningCommand, verdict: "timed-out" | "killed"): void => {
    // After its end its group's number may be another's.
    if (command.hasEnded || command.verdict !== undefined) return;
    command.verdict = verdict;
    // One that is being started is ended as soon as it has a process.
    if (command.process !== undefined) signalTwice(command, command.process);
  };
  const signalTwice = (command: RunningCommand, started: StartedProcess): void => {
    command.timer?.cancel();
    started.kill("SIGTERM");
    command.timer = deadlines.arm(command.settings.killGraceMs, () => {
      started.kill("SIGKILL");
      command.wasKilled = true;
      if (command.hasEnded) command.groupGone?.();
      else command.timer = deadlines.arm(reapMs, () => ended(command, "lost", null, null));
    });
  };

  const isSilent: Executions["isSilent"] = (execId, { status, output }) => {
    const command = running.get(execId);
    // A foreground command is its turn's own business, unless the turn ended first (B38a).
    if (command?.owner?.isForeground === true && !command.owner.turn.isOver) return true;
    const notify = command?.settings.notify ?? settings.exec.notify;
    return notify === "never" || (notify === "output-or-failure" && status === "completed" && output === "");
  };

  const ended = (
    command: RunningCommand,
    status: ExecCompletion["status"],
    exitCode: number | null,
    signal: string | null,
  ): void => {
    if (command.hasEnded) return;
    command.hasEnded = true;
    const { record, tail } = command;
    const { promise: gone, resolve: groupGone } = Promise.withResolvers<void>();
    // What it started and left behind gets the rest of the grace; SIGCONT only asks whether there is any.
    const isGraced = command.verdict !== undefined && !command.wasKilled;
    if (isGraced && command.process?.kill("SIGCONT") === true) {
      command.groupGone = groupGone;
    } else {
      command.timer?.cancel();
      groupGone();
    }
    const completion: ExecCompletion = {
      execId: record.execId,
      sessionKey: record.sessionKey,
      command: record.command,
      status,
      exitCode,
      signal,
      output: tail.text,
      truncated: tail.isTruncated,
      startedAt: record.startedAt,
      endedAt: settings.clock.now(),
    };
    if (journal.isObserved) {
      const { execId, sessionKey, endedAt: at } = completion;
      if (status === "lost") journal.emit({ type: "exec.lost", at, sessionKey, execId });
      else journal.emit({ type: "exec.completed", at, sessionKey, execId, status });
    }
    void conclude(command, completion, gone);
  };
  const conclude = async (
    command: RunningCommand,
    completion: ExecCompletion,
    gone: Promise<void>,
  ): Promise<void> => {
    const { record } = command;
    await through(deliver(record, completion, isSilent(record.execId, completion)));
    command.settle(completion);
    await through(gone);
    running.delete(record.execId);
    command.finish();
  };

  const lose = (record: ExecutionRecord, complete = deliver): Promise<unknown> => {
    announced.delete(record.execId);
    const at = settings.clock.now();
    if (journal.isObserved) {
      journal.emit({ type: "exec.lost", at, sessionKey: record.sessionKey, execId: record.execId });
    }
    const completion: ExecCompletion = {
      execId: record.execId,
      sessionKey: record.sessionKey,
      status: "lost",
      exitCode: null,
      signal: null,
      output: "",
      truncated: false,
      startedAt: record.startedAt,
      endedAt: at,
    };
    return complete(record, completion, isSilent(record.execId, completion));
  };

  /** So that a later keeper can find it (B37). A store that fails leaves it unknown, and says so itself. */
  const noteProcess = async (execId: string, process: ProcessIdentity): Promise<void> => {
    try {
      await through(runtime.request(() => runtime.mailboxes.recordProcess({ execId, process })));
    } catch {
      // The command runs; only a crash of this process would make anybody look for it.
    }
  };

  const announce = (record: ExecutionRecord, timeoutMs: number): void =>
    void announced.set(
      record.execId,
      deadlines.arm(timeoutMs, () => void lose(record)),
    );

  return {
    async start(sessionKey, command, args, options, owner) {
      checkCommand(command, args);
      const exec = completeExecOptions(options, settings.exec);
      const startedAt = settings.clock.now();
      const { record } = await through(
        runtime.request(() =>
          runtime.mailboxes.recordExecution({
            execId: settings.createId(),
            sessionKey,
            incarnation: undefined,
            command: [command, ...args].join(" "),
            startedAt,
            dueAt: undefined,
            origin: owner?.turn.origin ?? runtime.scope.getStore()?.origin,
            state: "running",
          }),
        ),
      );
      const forget = async (): Promise<void> => {
        try {
          await runtime.request(() => runtime.mailboxes.forgetExecution(record.execId));
        } catch {
          // The store says so itself; to whoever asked, the command is what failed.
        }
      };
      try {
        owner?.turn.assertCurrent();
        if (isClosed) throw new LanekeeperError("CLOSED", "The keeper closes; it starts no more commands.");
      } catch (error) {
        await forget();
        throw error;
      }
      const { promise: done, resolve: settle } = Promise.withResolvers<ExecCompletion>();
      const { promise: over, resolve: finish } = Promise.withResolvers<void>();
      const state: RunningCommand = {
        record,
        settings: exec,
        owner,
        tail: createOutputTail(exec.tailChars),
        done,
        settle,
        over,
        finish,
        process: undefined,
        verdict: undefined,
        timer: undefined,
        hasEnded: false,
        wasKilled: false,
        groupGone: undefined,
      };
      const { promise: started, resolve: wasStarted } = Promise.withResolvers<void>();
      running.set(record.execId, state);
      try {
        const starting = withDeadline(
          runtime,
          startDeadlineMs,
          settings.processes.start(
            { execId: record.execId, command, args, cwd: exec.cwd, env: exec.env },
            {
              output: (text) => {
                state.tail.add(text);
                if (owner?.isForeground === true && owner.turn.isCurrent) owner.turn.noteProgress();
              },
              // Not before everybody knows that it was started; never if it was not.
              ended: (exitCode, signal) =>
                void started.then(
                  enter(() => {
                    const ownStatus = signal !== null ? "killed" : exitCode === 0 ? "completed" : "failed";
                    ended(state, state.verdict ?? ownStatus, exitCode, signal);
                  }),
                ),
            },
          ),
          (late) => late.kill("SIGKILL"),
        );
        state.process = await through(starting);
      } catch (error) {
        running.delete(record.execId);
        state.finish();
        await forget();
        throw new LanekeeperError(
          "EXEC_FAILED",
          `${command} could not be started in ${exec.cwd ?? "this process's working directory"}: ${messageOf(toError(error))}. Check that both exist and that the command may be run.`,
          { sessionKey, command, args, execId: record.execId },
          { cause: error },
        );
      }
      const { pid } = state.process;
      if (state.verdict !== undefined) {
        signalTwice(state, state.process);
      } else {
        state.timer = deadlines.arm(exec.timeoutMs, () => terminate(state, "timed-out"));
      }
      if (owner?.isForeground === true) owner.turn.whenStopped(() => terminate(state, "killed"));
      if (journal.isObserved) {
        const { execId } = record;
        const isForeground = owner?.isForeground === true;
        journal.emit({ type: "exec.started", at: startedAt, sessionKey, execId, command, pid, isForeground });
      }
      const { mark } = state.process;
      if (mark !== undefined) await through(noteProcess(record.execId, { pid, mark }));
      wasStarted();
      return {
        execId: record.execId,
        sessionKey,
        pid,
        done: state.done,
        kill: (signal) => {
          if (signal === undefined) terminate(state, "killed");
          else if (!state.hasEnded) state.process?.kill(signal);
        },
      };
    },

    async expect(sessionKey, execId, options, origin) {
      checkId("execId", execId);
      const { timeoutMs = announcedMs } = checkTimeout("expectExec", options);
      const startedAt = settings.clock.now();
      const { status, record } = await through(
        runtime.request(() =>
          runtime.mailboxes.recordExecution({
            execId,
            sessionKey,
            incarnation: undefined,
            command: undefined,
            startedAt,
            dueAt: startedAt + timeoutMs,
            origin: origin ?? runtime.scope.getStore()?.origin,
            state: "announced",
          }),
        ),
      );
      if (status === "known") {
        if (record.sessionKey === sessionKey) return;
        throw new LanekeeperError(
          "INVALID_OPTION",
          `execId ${execId} must be new; it belongs to ${record.sessionKey} already. Give each command its own id.`,
          { option: "execId", got: execId, sessionKey: record.sessionKey },
        );
      }
      if (!isClosed) announce(record, timeoutMs);
    },

    async takeOver(records) {
      for (const record of records.filter(({ state }) => state === "announced"))
        announce(record, Math.max(0, (record.dueAt ?? 0) - settings.clock.now()));
      const ran = records.filter(({ state }) => state === "running");
      await through(Promise.all(ran.map((record) => endOrphan(runtime, record))));
      // Together, so that the next turn of a session sees all that it lost.
      await through(Promise.all(ran.map((record) => lose(record, route))));
    },

    isSilent,

    reported(execId) {
      announced.get(execId)?.cancel();
      announced.delete(execId);
    },

    async close() {
      isClosed = true;
      for (const deadline of announced.values()) deadline.cancel();
      announced.clear();
      for (const command of running.values()) terminate(command, "killed");
      await Promise.all([...running.values()].map(({ over }) => over));
    },
  };
}

import * as v from "valibot";
import type { ExecOptions } from "./execution.ts";
import { check, count, duration, flag, members, oneOf, optional, text, texts } from "../keeper/validation.ts";

/** Exec options, completed. */
export interface ExecSettings {
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number;
  readonly notify: "always" | "output-or-failure" | "never";
  readonly tailChars: number;
  readonly killGraceMs: number;
}

const execEntries = {
  cwd: optional(text(1)),
  env: optional(texts()),
  timeoutMs: optional(duration(1)),
  notify: optional(oneOf(["always", "output-or-failure", "never"])),
  tailChars: optional(count(0)),
  killGraceMs: optional(duration()),
};
/** What `exec` takes. */
export const execSchema: v.GenericSchema<unknown, ExecOptions> = members(execEntries);
const turnExecSchema = members({ ...execEntries, foreground: optional(flag) });

/** Checks the options of a command and completes them from the keeper's. */
export function completeExecOptions(options: unknown, base?: ExecSettings): ExecSettings {
  const given = options === undefined ? {} : check("exec", execSchema, options);
  return {
    cwd: given.cwd ?? base?.cwd,
    env: base?.env === undefined ? given.env : { ...base.env, ...given.env },
    timeoutMs: given.timeoutMs ?? base?.timeoutMs ?? 3_600_000,
    notify: given.notify ?? base?.notify ?? "always",
    tailChars: given.tailChars ?? base?.tailChars ?? 8_000,
    killGraceMs: given.killGraceMs ?? base?.killGraceMs ?? 5_000,
  };
}

/** Splits a turn's exec options from `foreground`. */
export function checkTurnExec(options: unknown): {
  readonly foreground: boolean;
  readonly exec: ExecOptions;
} {
  if (options === undefined) return { foreground: false, exec: {} };
  const { foreground, ...exec } = check("exec", turnExecSchema, options);
  return { foreground: foreground ?? false, exec };
}

/** Checks a command line. */
export function checkCommand(command: unknown, args: unknown): void {
  check("command", text(1), command);
  check("args", v.array(text(), "an array of texts"), args);
}

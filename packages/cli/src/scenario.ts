import { readFile } from "node:fs/promises";
import type { Command } from "@lanekeeper/testing";
import * as v from "valibot";
import { CliError } from "./errors.ts";

/** One run, as data: what `--commands` reads, and what is written of a run that broke a rule. */
export interface Scenario {
  readonly seed: number;
  readonly minutes: number;
  readonly sessions: number;
  /** Absent: made from the seed. */
  readonly commands?: readonly Command[] | undefined;
}

const scenarioSchema = v.object({
  seed: v.pipe(v.number("must be a number"), v.safeInteger("must be a whole number")),
  minutes: v.pipe(v.number("must be a number"), v.gtValue(0, "must be above 0")),
  sessions: v.pipe(v.number("must be a number"), v.safeInteger("must be a whole number")),
  commands: v.array(v.unknown(), "must be a list"),
});

/** Reads a scenario; throws a `CliError` with code `BAD_COMMANDS` that names the file. */
export async function readScenario(path: string): Promise<Scenario> {
  let given: unknown;
  try {
    given = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "it is not JSON" : "it is not there, or must not be read";
    throw new CliError("BAD_COMMANDS", `cannot read the commands ${path}: ${why}`, { cause });
  }
  const parsed = v.safeParse(scenarioSchema, given, { abortEarly: true });
  if (parsed.success) return parsed.output as Scenario;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue) ?? "the whole";
  throw new CliError(
    "BAD_COMMANDS",
    `${path} is no list of commands as a failed simulation writes it: ${where} ${issue.message}`,
  );
}

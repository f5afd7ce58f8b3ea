import { styleText } from "node:util";
import type { Violation } from "@lanekeeper/testing";
import { Command, Option } from "commander";
import { LanekeeperError } from "lanekeeper";
import { readRecording, type Recording, replayRecording, type ReplayResult } from "lanekeeper/recording";
import { CliError } from "./errors.ts";
import { parseCount } from "./option-value.ts";
import { createRecordingReport, type Moment, renderRecordingReport } from "./recording-report.ts";
import { exitCodes } from "./exit-codes.ts";

interface RecordingFlags {
  readonly until: number | undefined;
  readonly explain: string | undefined;
  readonly check: boolean | undefined;
  readonly report: "text" | "json";
}

const examples = `
Examples:
  Does this release still do what it did then?
    $ lanekeeper replay-recording gateway.jsonl.gz

  Why did nothing happen in a session, as of the 5,000th entry?
    $ lanekeeper replay-recording gateway.jsonl.gz --until 5000 --explain agent:main:web:7

  Was a rule broken then, whatever this release would do?
    $ lanekeeper replay-recording gateway.jsonl.gz --check

A recording is what the option recorder: recordToFile("gateway.jsonl.gz") of createLanekeeper writes.

Exit codes: 0 the same, step by step · 1 a difference or a broken rule · 2 bad input`;

/** `lanekeeper replay-recording`; calls back with the exit code when it has run. */
export function createReplayRecordingCommand(onExit: (exitCode: number) => void): Command {
  return new Command("replay-recording")
    .summary("run what a keeper recorded again, and say where it comes out differently")
    .description(
      "Runs a recording through a real keeper on simulated time: its clock, store, leases, commands, callers and turns do " +
        "what they did then, and everything that the keeper does is compared with what it did. No code of the host is needed.",
    )
    .argument("<recording>", "the file that recordToFile has written, compressed if its name ends in .gz")
    .addOption(new Option("--until <n>", "stop once so many entries have been played").argParser(parseCount))
    .addOption(new Option("--explain <session>", "say at the end why that session does not run a turn"))
    .addOption(new Option("--check", "compare what was recorded with the rules, too: all of the file"))
    .addOption(
      new Option("--report <form>", "form of the report on stdout").choices(["text", "json"]).default("text"),
    )
    .addHelpText("after", examples)
    .action(async (path: string, flags: RecordingFlags) => {
      onExit(await runReplay(path, flags));
    });
}

async function runReplay(path: string, flags: RecordingFlags): Promise<number> {
  const recording = await read(path);
  const played = await play(recording, flags);
  const violations = flags.check === true ? await check(recording) : undefined;
  const report = createRecordingReport(path, recording, { ...played, violations });
  process.stdout.write(
    flags.report === "json" ? `${JSON.stringify(report)}\n` : renderRecordingReport(report, paint),
  );
  const isFine = played.divergence === undefined && (violations ?? []).length === 0;
  return isFine ? exitCodes.fine : exitCodes.violations;
}

async function read(path: string): Promise<Recording> {
  try {
    return await readRecording(path);
  } catch (error) {
    if (!(error instanceof LanekeeperError)) throw error;
    throw new CliError("BAD_RECORDING", error.message, { cause: error });
  }
}

/** The rules and what they need are loaded only where they are asked for: they take longer than everything else. */
async function check(recording: Recording): Promise<readonly Violation[]> {
  const { checkInvariants } = await import("@lanekeeper/testing");
  return checkInvariants(recording);
}

interface Played {
  readonly result: ReplayResult | undefined;
  readonly divergence: LanekeeperError | undefined;
  readonly moment: Moment | undefined;
}

async function play(recording: Recording, { until, explain }: RecordingFlags): Promise<Played> {
  let moment: Moment | undefined;
  try {
    const result = await replayRecording(recording, {
      until,
      onStep:
        explain === undefined
          ? undefined
          : ({ played, next, keeper }) => {
              moment = {
                played,
                atMs: next.at - recording.header.startedMono,
                explanation: keeper.explain(explain),
              };
            },
    });
    return { result, divergence: undefined, moment };
  } catch (error) {
    if (!(error instanceof LanekeeperError)) throw error;
    if (error.code === "INVALID_SESSION_KEY")
      throw new CliError("BAD_OPTION", error.message, { cause: error });
    if (error.code !== "RECORDING_DIVERGED") throw error;
    return { result: undefined, divergence: error, moment };
  }
}

const paint = {
  good: (text: string) => styleText("green", text, { stream: process.stdout }),
  bad: (text: string) => styleText("red", text, { stream: process.stdout }),
};

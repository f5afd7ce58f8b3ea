import { styleText } from "node:util";
import { Command, Option } from "commander";
import { LanekeeperError } from "lanekeeper";
import { formatDuration } from "./duration.ts";
import { CliError } from "./errors.ts";
import { parseCount, parseDurationOption, parseSeed, parseShare, parseSpeed } from "./option-value.ts";
import { createProcessMeter } from "./process-meter.ts";
import { exitCodes } from "./exit-codes.ts";
import { listenForInterruption } from "./interruption.ts";
import { createProgressDisplay } from "./progress-display.ts";
import { describeReplay } from "./progress-text.ts";
import { replay } from "./replay.ts";
import type { ReplayOptions } from "./replay.ts";
import { parseStore } from "./replay-store.ts";
import { createReport, isBroken } from "./replay-report.ts";
import { renderReport } from "./report-text.ts";
import type { Paint } from "./report-text.ts";
import { readTrace } from "./trace.ts";

interface ReplayFlags {
  readonly speed: number | "max";
  readonly capacity: number;
  readonly hang: number;
  readonly crash: number;
  readonly exec: number;
  readonly stall: number;
  readonly reclaim: number;
  readonly grace: number;
  readonly seed: number;
  readonly report: "text" | "json";
  readonly store: string | undefined;
}

const examples = `
Examples:
  An hour of traffic in a minute, one turn in a hundred hanging:
    $ lanekeeper replay chat.jsonl --speed 60 --hang 0.01

  As fast as the machine can, for a script:
    $ lanekeeper replay chat.jsonl --speed max --report json | jq .waitMs

  Too little capacity: how long do people wait?
    $ lanekeeper replay chat.jsonl --speed max --capacity 8

  On a file: end it however you like, kill -9 included, and start it again to go on:
    $ lanekeeper replay chat.jsonl --speed 200 --store sqlite:replay.db

The trace has one JSON object a line:
  {"at":1500,"session":"agent:main:web:7","inputTokens":900,"outputTokens":210}
where "at" is milliseconds since the trace began; a turn takes 15 ms for each output token.

Exit codes: 0 all well · 1 a count of violations is not zero · 2 bad input · 130 interrupted`;

/** `lanekeeper replay`; calls back with the exit code when it has run. */
export function createReplayCommand(onExit: (exitCode: number) => void): Command {
  const duration = (flags: string, description: string) =>
    new Option(flags, `${description} (trace time)`).argParser(parseDurationOption);
  return new Command("replay")
    .summary("run recorded traffic through a real keeper and report what happened")
    .description(
      "Runs recorded traffic through a real keeper, with turns that hang and crash if you like, and counts by itself " +
        "whether a session's order was broken, turns of it overlapped, or work was lost or done twice.",
    )
    .argument("<trace.jsonl>", "the recorded traffic")
    .addOption(
      new Option(
        "--speed <n|max>",
        "times faster than recorded (best up to a few hundred); max waits for nothing",
      )
        .argParser(parseSpeed)
        .default(60),
    )
    .addOption(new Option("--capacity <n>", "turns that may run at once").argParser(parseCount).default(32))
    .addOption(
      new Option("--hang <share>", "share of turns, 0 to 1, that never settle")
        .argParser(parseShare)
        .default(0),
    )
    .addOption(new Option("--crash <share>", "share of turns that throw").argParser(parseShare).default(0))
    .addOption(
      new Option("--exec <share>", "share of turns that start a real background command")
        .argParser(parseShare)
        .default(0),
    )
    .addOption(
      duration("--stall <duration>", "a turn without progress for this long is stalled").default(
        20_000,
        "20s",
      ),
    )
    .addOption(duration("--reclaim <duration>", "… and for this long is reclaimed").default(60_000, "60s"))
    .addOption(duration("--grace <duration>", "how long an aborted turn gets to return").default(5_000, "5s"))
    .addOption(
      new Option("--seed <n>", "decides which turns hang, crash and start commands")
        .argParser(parseSeed)
        .default(1),
    )
    .addOption(
      new Option(
        "--store <memory|sqlite:<file>>",
        "where accepted work is kept; a replay on a file that was killed goes on with it",
      )
        .argParser(parseStore)
        .default(undefined, "memory"),
    )
    .addOption(
      new Option("--report <form>", "form of the report on stdout").choices(["text", "json"]).default("text"),
    )
    .addHelpText("after", examples)
    .action(async (path: string, flags: ReplayFlags, command: Command) => {
      onExit(await runReplay(path, flags, command));
    });
}

async function runReplay(path: string, flags: ReplayFlags, command: Command): Promise<number> {
  const options = createOptions(flags, (flag) => command.getOptionValueSource(flag) === "default");
  const trace = await readTrace(path);
  const display = createProgressDisplay(process.stderr);
  const meter = createProcessMeter();
  const interruption = listenForInterruption(() => display.note("Interrupted: closing the keeper."));
  try {
    const result = await replay(trace, options, {
      stop: interruption.signal,
      onBegin: (progress) => display.begin(() => describeReplay(progress())),
      onError: (message) => display.note(`keeper: ${message}`),
    });
    display.end();
    const report = createReport(trace, options, result, meter.stop());
    process.stdout.write(
      flags.report === "json" ? `${JSON.stringify(report)}\n` : renderReport(report, paint),
    );
    if (result.end === "interrupted") return exitCodes.interrupted;
    return isBroken(report) ? exitCodes.violations : exitCodes.fine;
  } catch (error) {
    throw explain(error);
  } finally {
    interruption.stop();
    display.end();
    meter.stop();
  }
}

/** What the command line says of what a keeper refuses. */
function explain(error: unknown): unknown {
  if (!(error instanceof LanekeeperError)) return error;
  if (error.cause instanceof CliError) return error.cause;
  if (error.code === "INVALID_OPTION") return new CliError("BAD_OPTION", error.message, { cause: error });
  return error.code.startsWith("STORE_") ? new CliError("BAD_STORE", error.message, { cause: error }) : error;
}

/** A default gives way where a value that was given contradicts it. */
function createOptions(flags: ReplayFlags, isDefault: (flag: "stall" | "reclaim") => boolean): ReplayOptions {
  let { stall: stallMs, reclaim: reclaimMs } = flags;
  if (stallMs >= reclaimMs && isDefault("reclaim")) reclaimMs = 3 * stallMs;
  if (stallMs >= reclaimMs && isDefault("stall")) stallMs = reclaimMs / 3;
  if (stallMs >= reclaimMs) {
    throw new CliError(
      "BAD_OPTION",
      `--stall (${formatDuration(stallMs)}) must be shorter than --reclaim (${formatDuration(reclaimMs)})`,
    );
  }
  const { speed, capacity, hang, crash, exec, grace: graceMs, seed, store: storePath } = flags;
  return { speed, capacity, shares: { hang, crash, exec }, stallMs, reclaimMs, graceMs, seed, storePath };
}

const paint: Paint = {
  good: (text) => styleText("green", text, { stream: process.stdout }),
  bad: (text) => styleText("red", text, { stream: process.stdout }),
};

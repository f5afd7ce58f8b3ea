import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { CliError } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { createReplayCommand } from "./replay-command.ts";
import { createReplayRecordingCommand } from "./replay-recording-command.ts";
import { createSimulateCommand } from "./simulate-command.ts";

const examples = `
Examples:
  $ lanekeeper replay chat.jsonl
  $ lanekeeper replay chat.jsonl --speed max --hang 0.01 --crash 0.01 --report json
  $ lanekeeper replay-recording gateway.jsonl.gz
  $ lanekeeper simulate --runs 1000
  $ lanekeeper replay --help`;

/** Runs one command line (without the program's name) and resolves with its exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.fine;
  const onExit = (code: number): void => {
    exitCode = code;
  };
  const commands = [
    createReplayCommand(onExit),
    createReplayRecordingCommand(onExit),
    createSimulateCommand(onExit),
  ];
  const program = new Command("lanekeeper")
    .description(
      "Keeps every agent session in its own lane: one turn at a time, nothing lost, nothing stuck.",
    )
    .version(readVersion(), "-v, --version", "print the version")
    .addHelpText("after", examples);
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) {
    const name = command === program ? "lanekeeper" : `lanekeeper ${command.name()}`;
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(`${name}: ${asOneLine(text.replace(/^error: /, ""))}\n`),
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.badInput;
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`lanekeeper ${args[0] ?? ""}: ${asOneLine(error.message)}\n`);
    return error.code === "STUCK" ? exitCodes.violations : exitCodes.badInput;
  }
}

function asOneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
}

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const bundledTrace = fileURLToPath(new URL("../traces/chat-20-minutes.jsonl", import.meta.url));

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command in a process of its own, which has to end by itself. */
function lanekeeper(
  args: readonly string[],
  onStderr?: (text: string, interrupt: () => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      onStderr?.(stderr, () => child.kill("SIGINT"));
    });
    child.on("error", reject).on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

let folder: string;
let small: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanekeeper-cli-"));
  small = join(folder, "small.jsonl");
  const line = (at: number, session: string) =>
    JSON.stringify({ at, session, inputTokens: 10, outputTokens: 100 });
  await writeFile(small, [line(0, "a"), line(0, "b"), line(500, "a")].join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("bad input ends with exit code 2, one line on stderr and nothing on stdout:", () => {
  const trace = () => small;
  it.each<[string, () => readonly string[], string]>([
    ["no trace", () => ["replay"], "lanekeeper replay: missing required argument 'trace.jsonl'"],
    [
      "a missing file",
      () => ["replay", "no/such.jsonl"],
      "lanekeeper replay: cannot read the trace no/such.jsonl: there is no such file",
    ],
    [
      "an unknown option",
      () => ["replay", trace(), "--speeed", "2"],
      "lanekeeper replay: unknown option '--speeed' (Did you mean --speed?)",
    ],
    ["an unknown command", () => ["play"], "lanekeeper: unknown command 'play' (Did you mean replay?)"],
    [
      "an option too few",
      () => ["replay", trace(), "--seed"],
      "lanekeeper replay: option '--seed <n>' argument missing",
    ],
    ["a second trace", () => ["replay", trace(), "b.jsonl"], "lanekeeper replay: too many arguments"],
    [
      "a share above 1",
      () => ["replay", trace(), "--hang", "2"],
      "lanekeeper replay: option '--hang <share>' argument '2' is invalid",
    ],
    [
      "a share below 0",
      () => ["replay", trace(), "--exec", "-1"],
      "lanekeeper replay: option '--exec <share>' argument '-1' is invalid",
    ],
    [
      "no speed",
      () => ["replay", trace(), "--speed", "0"],
      "lanekeeper replay: option '--speed <n|max>' argument '0' is invalid",
    ],
    [
      "no capacity",
      () => ["replay", trace(), "--capacity", "0"],
      "lanekeeper replay: option '--capacity <n>' argument '0' is invalid",
    ],
    [
      "an unknown form",
      () => ["replay", trace(), "--report", "xml"],
      "lanekeeper replay: option '--report <form>' argument 'xml' is invalid",
    ],
    [
      "an unknown store",
      () => ["replay", trace(), "--store", "postgres:replay"],
      "option '--store <memory|sqlite:<file>>' argument 'postgres:replay' is invalid. It takes memory, or sqlite:<file>.",
    ],
    [
      "a store in a folder that is not there",
      () => ["replay", trace(), "--store", `sqlite:${join(folder, "no", "replay.db")}`],
      "lanekeeper replay: cannot write the journal",
    ],
    [
      "a stall after the reclaim",
      () => ["replay", trace(), "--stall", "2m", "--reclaim", "60s"],
      "lanekeeper replay: --stall (2 min) must be shorter than --reclaim (1 min)",
    ],
  ])("%s", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await lanekeeper(args());
    expect({ exitCode, stdout, lines: stderr.trimEnd().split("\n") }).toEqual({
      exitCode: 2,
      stdout: "",
      lines: [expect.stringContaining(message)],
    });
  });

  it("a malformed line, with its number", async () => {
    const path = join(folder, "malformed.jsonl");
    await writeFile(
      path,
      '{"at":0,"session":"a","inputTokens":1,"outputTokens":1}\n{"at":0,"session":"a"}\n',
    );
    expect(await lanekeeper(["replay", path])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `lanekeeper replay: ${path}, line 2: "inputTokens" is missing\n`,
    });
  });

  it("no command, which gets the help instead", async () => {
    const { exitCode, stdout, stderr } = await lanekeeper([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("Usage: lanekeeper");
  });
});

describe("help", () => {
  it("explains the command with examples", async () => {
    const { exitCode, stdout, stderr } = await lanekeeper(["--help"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/Usage: lanekeeper .*\n[^]*replay [^]*Examples:/);
  });

  it("explains the replay, every option of it, with examples", async () => {
    const { exitCode, stdout } = await lanekeeper(["replay", "--help"]);
    expect(exitCode).toBe(0);
    const options = [
      "speed",
      "capacity",
      "hang",
      "crash",
      "exec",
      "stall",
      "reclaim",
      "grace",
      "seed",
      "store",
      "report",
    ];
    for (const option of options) expect(stdout).toContain(`--${option} <`);
    expect(stdout).toContain("Examples:");
  });

  it("tells the version", async () => {
    expect(await lanekeeper(["--version"])).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  });
});

describe("a replay", () => {
  it("ends by itself with a report and exit code 0", async () => {
    const { exitCode, stdout } = await lanekeeper(["replay", small, "--speed", "max"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Replay complete\n/);
    expect(stdout).toContain("3 completed, 0 failed, 0 reclaimed, 0 dead-lettered");
  });

  it("prints one JSON object and nothing else with --report json", async () => {
    const args = ["replay", small, "--speed", "max", "--hang", "1", "--exec", "1", "--report", "json"];
    const { exitCode, stdout } = await lanekeeper(args);
    expect(exitCode).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      end: "complete",
      completed: 0,
      reclaimed: 3,
      commands: { started: 3, delivered: 3 },
      options: { speed: "max", hang: 1 },
      orderViolations: 0,
      overlaps: 0,
      lost: 0,
      duplicated: 0,
    });
  });

  it("says with a store what to do where its replay has come to its end", async () => {
    const store = join(folder, "replay.db");
    const args = ["replay", small, "--speed", "max", "--store", `sqlite:${store}`];
    const { exitCode, stdout } = await lanekeeper(args);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`store             sqlite:${store}\n`);
    expect(await lanekeeper(args)).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `lanekeeper replay: ${store} is the store of a replay that has come to its end; remove the store and its journal to start anew, or name another file\n`,
    });
  });

  it("keeps time on a scaled clock and writes plain progress lines where there is no terminal", async () => {
    const { exitCode, stdout, stderr } = await lanekeeper([
      "replay",
      small,
      "--speed",
      "40",
      "--report",
      "json",
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      completed: 3,
      orderViolations: 0,
      overlaps: 0,
      lost: 0,
      duplicated: 0,
    });
    expect(stderr).toContain("0 of 3 messages");
    // eslint-disable-next-line no-control-regex
    expect(stderr).not.toMatch(/\u001B/);
  });

  it("moves a default that contradicts a value given", async () => {
    const args = ["replay", small, "--speed", "max", "--stall", "2m", "--report", "json"];
    const { stdout } = await lanekeeper(args);
    expect(JSON.parse(stdout)).toMatchObject({ options: { stallMs: 120_000, reclaimMs: 360_000 } });
  });

  it("closes the keeper at Ctrl-C, reports what was done and ends with exit code 130", async () => {
    const args = [
      "replay",
      bundledTrace,
      "--speed",
      "60",
      "--hang",
      "0.1",
      "--exec",
      "0.2",
      "--report",
      "json",
    ];
    let isInterrupted = false;
    const { exitCode, stdout } = await lanekeeper(args, (stderr, interrupt) => {
      if (isInterrupted || !stderr.includes("of 2,915 messages")) return;
      isInterrupted = true;
      interrupt();
    });
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({
      end: "interrupted",
      lost: 0,
      duplicated: 0,
      overlaps: 0,
      orderViolations: 0,
    });
  });
});

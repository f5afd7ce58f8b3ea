import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command in a process of its own, which has to end by itself. */
function simulate(
  args: readonly string[],
  onStderr?: (text: string, interrupt: () => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, "simulate", ...args], { stdio: ["ignore", "pipe", "pipe"] });
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
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanekeeper-simulate-"));
});
afterAll(() => rm(folder, { recursive: true }));

const small = ["--minutes", "0.5", "--sessions", "4"];
const hashIn = ({ stdout }: Ended): string | undefined => /trace ([0-9a-f]{64})/.exec(stdout)?.[1];

describe("a simulation from the command line", () => {
  it("says what it runs, that all is well, and the hash of what was seen, which its seed decides", async () => {
    const args = [...small, "--seed", "5"];
    const [once, again] = await Promise.all([simulate(args), simulate(args)]);
    expect(once.exitCode).toBe(0);
    expect(once.stderr).toContain("lanekeeper simulate --seed 5 --minutes 0.5 --sessions 4\n");
    expect(once.stdout).toMatch(/^1 run: no rule was broken · /);
    expect(hashIn(once)).toBe(hashIn(again));
    expect(hashIn(once)).toBeDefined();
  });

  it("runs seeds one after the other on as many workers as wanted, and shows how far it is", async () => {
    const { exitCode, stdout, stderr } = await simulate([...small, "--runs", "5", "--workers", "2"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^5 runs: no rule was broken · [\d.]+ h simulated in /);
    expect(stderr).toMatch(/--seed \d+ --minutes 0.5 --sessions 4 --runs 5\n/);
    expect(stderr).toContain("0 % · 0 of 5 runs over · 0 h simulated · 0 h/s · no failure");
    // eslint-disable-next-line no-control-regex
    expect(stderr).not.toMatch(/\u001B/);
  });

  it("writes of a run that broke a rule the least commands, and a recording; they break it again", async () => {
    const send = (at: number, id: string, group?: string) => ({
      at,
      do: "send",
      session: "agent:a1:main",
      id,
      group,
    });
    // No keeper of a simulation has this group, so its refusal is none that the rules allow there.
    const commands = [send(0, "m1"), send(10, "m2", "nobody's"), send(20, "m3")];
    const file = join(folder, "given.json");
    await writeFile(file, JSON.stringify({ seed: 1, minutes: 0.5, sessions: 4, commands }));
    const out = join(folder, "out");
    const { exitCode, stdout, stderr } = await simulate(["--commands", file, "--out", out]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^1 run: 1 broke a rule/);
    expect(stderr).toContain("1 of its 3 commands is enough");
    const written = join(out, "seed-1", "commands.json");
    expect(stderr).toContain(`lanekeeper simulate --commands ${written}`);
    expect(JSON.parse(await readFile(written, "utf8"))).toMatchObject({
      seed: 1,
      commands: [{ id: "m2" }],
    });
    expect((await readdir(join(out, "seed-1"))).toSorted()).toEqual([
      "commands.json",
      "k1.1.jsonl",
      "k2.1.jsonl",
      "trace.txt",
    ]);
    const recording = join(out, "seed-1", "k1.1.jsonl");
    await writeFile(recording, "of the first failure");
    const again = await simulate(["--commands", written, "--out", out]);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain(
      `lanekeeper simulate --commands ${join(out, "seed-1-2", "commands.json")}`,
    );
    expect(await readFile(recording, "utf8")).toBe("of the first failure");
    const blocked = join(file, "below-a-file");
    const unwritten = await simulate(["--commands", written, "--out", blocked]);
    expect(unwritten.exitCode).toBe(1);
    expect(unwritten.stdout).toMatch(/^1 run: 1 broke a rule/);
    expect(unwritten.stderr).toContain("Its only command could not be left out:");
    expect(unwritten.stderr).toContain('"id":"m2"');
    expect(unwritten.stderr).toContain(`That could not be written to ${blocked}: `);
  });

  it("gives up the runs under way at Ctrl-C, says how many were over, and ends with exit code 130", async () => {
    let isInterrupted = false;
    const { exitCode, stdout } = await simulate(["--runs", "100000"], (stderr, interrupt) => {
      if (isInterrupted || !stderr.includes("of 100,000 runs")) return;
      isInterrupted = true;
      interrupt();
    });
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/^\d+ runs?: no rule was broken/);
  });

  it.each<[string, readonly string[], string]>([
    ["hours and minutes", ["--hours", "1", "--minutes", "1"], "cannot be used with option"],
    ["a seed beside commands", ["--commands", "a.json", "--seed", "1"], "cannot be used with option"],
    ["no amount of time", ["--minutes", "0"], "It takes a number above 0."],
    ["more time than there is", ["--hours", "100000"], "minutes must be a number above 0, at most 43200"],
    ["a folder that is none", ["--out", main], "main.ts is no folder; choose another with --out"],
    ["commands that are not there", ["--commands", "no/such.json"], "cannot read the commands no/such.json"],
  ])("refuses %s with exit code 2 and one line", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await simulate(args);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^lanekeeper simulate: /);
    expect(stderr).toContain(message);
  });

  it.each([
    ["is not JSON", "{", "it is not JSON"],
    ["lacks its commands", `{"seed":1,"minutes":1,"sessions":4}`, "commands"],
    [
      "has a command that does not exist",
      `{"seed":1,"minutes":1,"sessions":4,"commands":[{"at":0,"do":"dance"}]}`,
      "commands.0.do must be one of",
    ],
  ])("refuses a file of commands that %s", async (_, text, message) => {
    const file = join(folder, "bad.json");
    await writeFile(file, text);
    const { exitCode, stderr } = await simulate(["--commands", file]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

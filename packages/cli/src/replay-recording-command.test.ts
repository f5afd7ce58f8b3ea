import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLanekeeper } from "lanekeeper";
import { recordToFile } from "lanekeeper/recording";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "./command-line.ts";

let folder: string;
let recording: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanekeeper-cli-"));
  recording = join(folder, "gateway.jsonl");
  const clock = createSimulatedClock({ startAt: Date.UTC(2026, 4, 12) });
  const keeper = await createLanekeeper<string, string>({
    recorder: recordToFile(recording),
    clock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    capacity: { turns: 1 },
    turn: (turn) => new Promise((resolve) => clock.setTimeout(() => resolve(turn.sessionKey), 1_500)),
  });
  for (const session of ["a", "b", "c"]) await keeper.send(session, "hello");
  await clock.advance(60_000);
  await keeper.close();
});
afterAll(() => rm(folder, { recursive: true }));

let stdout = "";
let stderr = "";
beforeEach(() => {
  stdout = stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((stderr += String(text)), true));
  return () => vi.restoreAllMocks();
});

/** A copy of the recording with one line changed. */
async function changed(name: string, from: string, to: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, (await readFile(recording, "utf8")).replace(from, to));
  return path;
}

describe("lanekeeper replay-recording", () => {
  it("says what was played where the keeper did the same, with exit code 0", async () => {
    expect(await runCommandLine(["replay-recording", recording])).toBe(0);
    expect(stdout).toMatch(/^gateway\.jsonl: recorded 2026-05-12T00:00:00\.000Z by lanekeeper \d/);
    expect(stdout).toContain("  traffic   3 turns of 3 sessions, 26 events\n");
    expect(stdout).toContain("  span      1 min\n");
    expect(stdout).toMatch(/ {2}steps {5}(\d+) of \1 entries played, \d+ of them compared\n/);
    expect(stdout).toContain("  end       the keeper was closed\n");
    expect(stdout).toContain("✔ The keeper did the same, step by step.");
  });

  it("says where the keeper did something else, with exit code 1", async () => {
    const path = await changed("other.jsonl", '"busy.running"', '"busy.walking"');
    expect(await runCommandLine(["replay-recording", path])).toBe(1);
    expect(stdout).toMatch(/✘ The keeper did something else at entry (\d+) \(line \d+\), 0 ms in\./);
    const [, entry] = /at entry (\d+)/.exec(stdout)!;
    const lines = (await readFile(path, "utf8")).split("\n");
    expect(lines[Number(entry)]).toContain("busy.walking");
    expect(stdout).toMatch(/ {2}recorded .*busy\.walking/);
    expect(stdout).toMatch(/ {2}came {6}.*busy\.running/);
  });

  it("stops after so many entries, and explains a session as it was then", async () => {
    const args = ["replay-recording", recording, "--until", "80", "--explain", "c", "--report", "json"];
    expect(await runCommandLine(args)).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: "gateway.jsonl",
      result: { isWhole: true },
      moment: { atMs: 1_500, explanation: { sessionKey: "c", blockedBy: "capacity" } },
    });
  });

  it("says with --check that no rule was broken, with exit code 0", async () => {
    expect(await runCommandLine(["replay-recording", recording, "--check"])).toBe(0);
    expect(stdout).toMatch(/✔ The keeper did the same, step by step\.\n✔ No rule was broken\.\n$/);
  });

  it("says with --check which rule was broken, where and how, with exit code 1", async () => {
    const path = await changed("broken.jsonl", '"turn.completed"', '"turn.fenced"');
    expect(await runCommandLine(["replay-recording", path, "--until", "20"])).toBe(0);
    stdout = "";
    expect(await runCommandLine(["replay-recording", path, "--until", "20", "--check"])).toBe(1);
    expect(stdout).toContain("✔ The keeper did the same, step by step.");
    const [, places] = /✘ A rule was broken in (\d+) places?:\n/.exec(stdout)!;
    expect(stdout).toMatch(/ {2}B8 at entry \d+, 1\.5 s in: The outcome of .*\n {6}The rule: .+\./);
    stdout = "";
    const args = ["replay-recording", path, "--until", "20", "--check", "--report", "json"];
    expect(await runCommandLine(args)).toBe(1);
    const { violations } = JSON.parse(stdout) as { violations: { rule: string; entry: number }[] };
    expect(violations).toHaveLength(Number(places));
    expect(violations.map(({ rule }) => rule)).toEqual(["B8", "B28"]);
  });

  it.for([
    ["no file", () => [], "missing required argument 'recording'"],
    ["a missing file", () => ["no/such"], "no/such cannot be read: ENOENT"],
    ["no recording", () => [join(import.meta.dirname, "main.ts")], "must begin with the header"],
    ["a key that is none", () => [recording, "--explain", " "], "A session key must be"],
    ["no count", () => [recording, "--until", "x"], "argument 'x' is invalid"],
  ] as const)("refuses %s with exit code 2 and one line on stderr", async ([, args, why]) => {
    expect(await runCommandLine(["replay-recording", ...args()])).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^lanekeeper replay-recording: [^\n]*\n$/);
    expect(stderr).toContain(why);
  });

  it("refuses a file of which a line is damaged, and says which", async () => {
    const path = await changed("damaged.jsonl", '"c",2,"send"', '"c",2,"send');
    expect(await runCommandLine(["replay-recording", path])).toBe(2);
    expect(stderr).toMatch(/Line \d+ of /);
  });
});

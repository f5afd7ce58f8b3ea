import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readRecording, replayRecording } from "lanekeeper/recording";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("record-script.ts", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recording-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Lets a gateway record itself until it has said so often that it goes on, and kills it. */
function killAfter(lines: number, path: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
    let said = 0;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text.split("\n").length - 1;
      if (said >= lines) child.kill("SIGKILL");
    });
    child.on("error", reject).on("close", (_, signal) => resolve(signal));
  });
}

describe("the recording of a process that was killed", () => {
  it.for(["killed.jsonl", "killed.jsonl.gz"])("replays up to its end: %s", async (name) => {
    const path = join(folder, name);
    expect(await killAfter(5, path)).toBe("SIGKILL");
    const recording = await readRecording(path);
    const result = await replayRecording(recording);
    expect(result).toMatchObject({ entries: recording.entries.length, isWhole: false });
    expect(result.turns).toBeGreaterThan(100);
  });
});

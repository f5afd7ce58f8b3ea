import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const run = promisify(execFile);
const page = "packages/lanekeeper/docs/record-and-replay.md";
const text = await readFile(join(import.meta.dirname, "..", "..", page), "utf8");
const samples = Array.from(text.matchAll(/^```ts\n([\s\S]*?)^```/gm), ([, code]) => code!);

/** A gateway with the page's first sample, in which bob waits for so many seconds, and then the page's second sample. */
function programOf(folder: string, seconds: number): string {
  const path = JSON.stringify(join(folder, "recording.jsonl.gz"));
  const [gateway = "", playback = ""] = samples;
  return `
    import { createSimulatedClock } from "lanekeeper/simulated-clock";
    const clock = createSimulatedClock();
    const runAgent = () => new Promise<string>((resolve) => clock.setTimeout(() => resolve("done"), ${seconds * 1_000}));
    ${gateway.replace('"/var/log/gateway/recording.jsonl.gz"', path).replace("turn:", "clock, capacity: { turns: 1 }, turn:")}
    await keeper.send("agent:main:alice", "hello");
    await keeper.send("agent:main:bob", "hello");
    await clock.advance(300_000);
    await keeper.close();
    ${playback.replace('"incidents/2026-05-12.jsonl.gz"', path)}
  `;
}

async function runProgram(seconds: number): Promise<string> {
  const folder = await mkdtemp(join(import.meta.dirname, "docs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "program.ts");
  await writeFile(file, programOf(folder, seconds));
  return run(process.execPath, [file]).then(
    ({ stderr }) => stderr,
    ({ stderr }: { readonly stderr: string }) => stderr,
  );
}

it("passes where what the page's test looks for did not happen, and fails where it did", async () => {
  expect(samples).toHaveLength(2);
  const [fine, stuck] = await Promise.all([runProgram(50), runProgram(90)]);
  expect(fine).not.toContain("Error:");
  expect(stuck).toMatch(/Error: bob still waits, \d+ ms in/);
}, 120_000);

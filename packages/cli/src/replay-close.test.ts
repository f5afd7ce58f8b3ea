import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const bundledTrace = fileURLToPath(new URL("../traces/chat-20-minutes.jsonl", import.meta.url));

describe("a replay closed in its middle leaves nothing open:", () => {
  const script = (speed: string) => `
    import { createLanekeeper } from "lanekeeper";
    import { replay } from "./src/replay.ts";
    import { readTrace } from "./src/trace.ts";
    const stop = new AbortController();
    let turns = 0;
    const options = {
      speed: ${speed}, capacity: 16, shares: { hang: 0.1, crash: 0.1, exec: 0.1 },
      stallMs: 20_000, reclaimMs: 60_000, graceMs: 5_000, seed: 1,
    };
    const hooks = { stop: stop.signal };
    const result = await replay(await readTrace(${JSON.stringify(bundledTrace)}), options, hooks, (given) =>
      createLanekeeper({
        ...given,
        async turn(turn) {
          turns += 1;
          if (turns === 200) {
            const { pid } = await turn.exec(process.execPath, ["--eval", "setInterval(() => {}, 1e6)"]);
            process.once("exit", () => {
              let isAlive = true;
              try { process.kill(pid, 0); } catch { isAlive = false; }
              console.log(isAlive ? "command alive" : "command gone");
            });
            stop.abort();
          }
          return await given.turn(turn);
        },
      }),
    );
    console.log(result.end, result.tally.lost, process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length);
  `;

  it.each(['"max"', "200"])("the process ends by itself at speed %s", async (speed) => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script(speed)], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const exitCode = await new Promise((resolve) => child.on("close", resolve));
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "interrupted 0 0\ncommand gone\n" });
  });
});

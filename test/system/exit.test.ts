import { describe, expect, it } from "vitest";
import { isOver } from "../conformance/process-end.ts";
import { runScript } from "./child-script.ts";

describe("B58: a process", () => {
  it("ends by itself once its keeper is closed, whatever was going on, and leaves no command behind", async () => {
    const { exitCode, signal, stdout, stderr } = await runScript(new URL("exit-script.ts", import.meta.url));
    expect({ exitCode, signal, stderr }).toEqual({ exitCode: 0, signal: null, stderr: "" });
    const [before, after] = stdout.split("\n").map((line) => JSON.parse(line) as unknown);
    expect(before).toMatchObject({ running: 2 });
    expect(after).toEqual({
      outcomes: ["completed", "suspended", "suspended", "suspended", "suspended", "suspended"],
      commands: ["killed", "killed"],
      timers: 0,
    });
    const { pids } = before as { readonly pids: readonly number[] };
    expect(pids.map((pid) => isOver(pid))).toEqual([true, true]);
  });

  it("stays while its keeper is open, also one with nothing to do, and ends once that is closed", async () => {
    const { exitCode, stdout } = await runScript(new URL("stay-script.ts", import.meta.url), {
      args: ["keeper"],
    });
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toEqual(["opened", "still there", "closed", ""]);
  });

  it("ends before that without a keeper", async () => {
    const { exitCode, stdout } = await runScript(new URL("stay-script.ts", import.meta.url));
    expect(exitCode).toBe(0);
    expect(stdout).toBe("opened\n");
  });
});

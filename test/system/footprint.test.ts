import { beforeAll, describe, expect, it } from "vitest";
import type { Footprint } from "../bench/footprint.ts";
import { runScript, ScriptFailed } from "./child-script.ts";

describe("100,000 sessions", () => {
  let footprint: Footprint;

  beforeAll(async () => {
    const { stdout, stderr, exitCode } = await runScript(new URL("footprint-script.ts", import.meta.url), {
      nodeOptions: ["--expose-gc"],
    });
    if (exitCode !== 0) throw new ScriptFailed(stderr);
    footprint = JSON.parse(stdout) as Footprint;
  });

  it("are all live after a turn each, all known and none live once they slept, and as many live as are used again", () => {
    expect(footprint.allLive).toEqual({ known: 100_000, live: 100_000 });
    expect(footprint.allPassivated).toEqual({ known: 100_000, live: 0 });
    expect(footprint.someLive).toEqual({ known: 100_000, live: 1_000 });
  });

  it("take at most 4 kB each while their lanes are live and idle", () => {
    expect(footprint.idleLane).toBeLessThan(4_096);
  });

  it("take at most 1 kB each once their lanes have stopped", () => {
    expect(footprint.passivatedSession).toBeLessThan(1_024);
  });
});

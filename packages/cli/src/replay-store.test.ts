import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLanekeeper } from "lanekeeper";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseStore } from "./replay-store.ts";
import { replay } from "./replay.ts";
import type { ReplayOptions, ReplayResult } from "./replay.ts";
import { readTrace } from "./trace.ts";
import type { Trace } from "./trace.ts";

const none = { orderViolations: 0, overlaps: 0, lost: 0, duplicated: 0 };
const never = { stop: new AbortController().signal };

function counts({ tally }: ReplayResult) {
  const { orderViolations, overlaps, lost, duplicated } = tally;
  return { orderViolations, overlaps, lost, duplicated };
}

/** The first messages of the bundled trace, of fewer sessions, so that they wait for each other. */
async function makeTrace(messages: number): Promise<Trace> {
  const whole = await readTrace(fileURLToPath(new URL("../traces/chat-20-minutes.jsonl", import.meta.url)));
  const arrivals = whole.arrivals
    .slice(0, messages)
    .map((arrival, index) => ({ ...arrival, session: `session-${index % 20}` }));
  return { name: "made.jsonl", arrivals, sessions: 20 };
}

function makeOptions(): ReplayOptions & { readonly storePath: string } {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-replay-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return {
    speed: "max",
    capacity: 8,
    shares: { hang: 0.05, crash: 0.1, exec: 0.1 },
    stallMs: 20_000,
    reclaimMs: 60_000,
    graceMs: 5_000,
    seed: 1,
    storePath: join(folder, "replay.db"),
  };
}

/** Replays until so many turns began, and is interrupted then. */
async function replayTurns(trace: Trace, options: ReplayOptions, count: number): Promise<ReplayResult> {
  const stop = new AbortController();
  let turns = 0;
  return await replay(trace, options, { stop: stop.signal }, (given) =>
    createLanekeeper({
      ...given,
      turn(turn) {
        turns += 1;
        if (turns === count) stop.abort();
        return given.turn(turn);
      },
    }),
  );
}

describe("a replay on a file", () => {
  it("goes on where it was interrupted, as often as it is, and its counts cover all its lives", async () => {
    const [trace, options] = [await makeTrace(150), makeOptions()];
    const first = await replayTurns(trace, options, 40);
    expect(first).toMatchObject({ end: "interrupted", lives: 1 });
    expect(first.tally.messages.outcomes.suspended).toBeGreaterThan(0);
    expect(first.sent).toBeLessThan(150);
    const second = await replayTurns(trace, options, 60);
    expect(second).toMatchObject({ end: "interrupted", lives: 2 });
    const third = await replay(trace, options, never);
    expect(third).toMatchObject({ end: "complete", lives: 3, sent: 150 });
    for (const result of [first, second, third]) expect(counts(result)).toEqual(none);
    const { completed, failed, reclaimed } = third.tally.messages.outcomes;
    expect(completed + failed + reclaimed).toBe(150);
    expect(third.tally.turns).toBe(first.ownTurns + second.ownTurns + third.ownTurns);
    expect(third.tally.completions.delivered).toBe(third.tally.completions.started);
    expect(third.traceMs).toBeGreaterThan(second.traceMs);
  });

  it("comes to what one in memory comes to", async () => {
    const [trace, options] = [await makeTrace(60), makeOptions()];
    const durable = await replay(trace, options, never);
    const inMemory = await replay(trace, { ...options, storePath: undefined }, never);
    expect(durable.tally).toEqual(inMemory.tally);
  });

  it("notices a store that was put back to an earlier time", async () => {
    const [trace, options] = [await makeTrace(100), makeOptions()];
    await replayTurns(trace, options, 30);
    copyFileSync(options.storePath, `${options.storePath}.copy`);
    await replayTurns(trace, options, 60);
    copyFileSync(`${options.storePath}.copy`, options.storePath);
    const result = await replay(trace, options, never);
    expect(result.end).toBe("quiet");
    const { lost, duplicated } = counts(result);
    expect(lost).toBeGreaterThan(5);
    expect(duplicated).toBeGreaterThan(5);
  });
});

describe("a file is refused with BAD_STORE and left as it is:", () => {
  const refused = (message: string) =>
    expect.objectContaining({ code: "BAD_STORE", message: expect.stringContaining(message) });

  it("one whose replay has come to its end", async () => {
    const [trace, options] = [await makeTrace(3), makeOptions()];
    await replay(trace, options, never);
    const before = readFileSync(options.storePath);
    await expect(replay(trace, options, never)).rejects.toEqual(
      refused("has come to its end; remove the store"),
    );
    expect(readFileSync(options.storePath)).toEqual(before);
  });

  it("one of another trace, or of other options, which are named", async () => {
    const [trace, options] = [await makeTrace(30), makeOptions()];
    await replayTurns(trace, options, 5);
    const journal = readFileSync(`${options.storePath}.journal`, "utf8");
    const other = { ...trace, arrivals: trace.arrivals.slice(1) };
    await expect(replay(other, options, never)).rejects.toEqual(refused("another trace, made.jsonl"));
    await expect(replay(trace, { ...options, capacity: 9 }, never)).rejects.toEqual(
      refused("with capacity 8, not 9"),
    );
    const calm = { ...options, shares: { ...options.shares, hang: 0 } };
    await expect(replay(trace, calm, never)).rejects.toEqual(refused("with hang 0.05, not 0"));
    expect(readFileSync(`${options.storePath}.journal`, "utf8")).toBe(journal);
  });

  it("one without a journal, and a journal without its store", async () => {
    const [trace, options] = [await makeTrace(30), makeOptions()];
    writeFileSync(options.storePath, "Dear diary");
    await expect(replay(trace, options, never)).rejects.toEqual(refused("is not the store of a replay"));
    expect(readdirSync(join(options.storePath, ".."))).toEqual(["replay.db"]);
    truncateSync(options.storePath);
    await replayTurns(trace, options, 5);
    rmSync(options.storePath);
    await expect(replay(trace, options, never)).rejects.toEqual(refused("its store"));
  });
});

describe("parseStore", () => {
  it("reads memory, and a file behind sqlite:", () => {
    expect(parseStore("memory")).toBeUndefined();
    expect(parseStore("sqlite:a:b.db")).toBe("a:b.db");
  });

  it.each(["", "sqlite:", "sqlite::memory:", "replay.db", "postgres:x", "sqlite:a\0b"])(
    "refuses %j",
    (text) => {
      expect(() => parseStore(text)).toThrow("It takes memory, or sqlite:<file>.");
    },
  );
});

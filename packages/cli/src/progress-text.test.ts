import { expect, it } from "vitest";
import { renderBar, renderProgressLine, renderStats } from "./progress-text.ts";

const progress = {
  sent: 1_500,
  settled: 1_200,
  total: 2_400,
  traceMs: 600_000,
  stats: {
    health: "ok",
    known: 1_000,
    live: 40,
    running: 12,
    waiting: 1_500,
    stalled: 1,
    reclaimed: 3,
    zombies: 2,
    capacity: 32,
    locks: 0,
    eventLoopDelayMs: 0,
    completed: 1_197,
    failed: 0,
  } as const,
};

it("fills the bar by the share of messages that came to an end", () => {
  expect(renderBar(progress, 200)).toBe(
    `${"█".repeat(20)}${"░".repeat(20)}  50 % · 1,200 of 2,400 messages · 10 min of trace time`,
  );
});

it("keeps to the width of the terminal, down to no bar at all", () => {
  for (const columns of [200, 80, 60]) expect(renderBar(progress, columns).length).toBeLessThan(columns);
  expect(renderBar(progress, 20)).toBe("  50 % · 1,200 of 2,400 messages · 10 min of trace time");
});

it("says what the keeper is doing", () => {
  expect(renderStats(progress)).toBe("running 12 · waiting 1,500 · stalled 1 · reclaimed 3 · zombies 2");
});

it("says both in one line for a log", () => {
  expect(renderProgressLine(progress)).toBe(
    " 50 % · 1,200 of 2,400 messages · 10 min of trace time · running 12 · waiting 1,500 · stalled 1 · reclaimed 3 · zombies 2",
  );
});

import { expect, it } from "vitest";
import type { ReplayReport } from "./replay-report.ts";
import { renderReport } from "./report-text.ts";

const report: ReplayReport = {
  trace: { file: "chat.jsonl", messages: 2_915, sessions: 1_976 },
  options: {
    speed: 60,
    capacity: 32,
    hang: 0.01,
    crash: 0.005,
    exec: 0,
    stallMs: 20_000,
    reclaimMs: 60_000,
    graceMs: 5_000,
  },
  seed: 7,
  store: "memory",
  lives: 1,
  end: "complete",
  sent: 2_915,
  accepted: 2_915,
  refused: 0,
  completed: 2_880,
  failed: 1,
  reclaimed: 34,
  cancelled: 0,
  dropped: 0,
  suspended: 0,
  deadLettered: 35,
  commands: { started: 59, delivered: 59, asLost: 0, deadLettered: 0 },
  orderViolations: 0,
  overlaps: 0,
  lost: 0,
  duplicated: 0,
  lostMessages: [],
  undeliveredCompletions: [],
  misroutedCompletions: [],
  waitMs: { p50: 1, p95: 840, p99: 12_300 },
  turns: 3_016,
  turnsPerSecond: 147.4,
  durationMs: { trace: 1_224_000, real: 20_460 },
  peakMemoryBytes: 120 * 2 ** 20,
  eventLoopDelayMs: { p50: 0.1, p99: 2.25, max: 11.5 },
};

it("tells a faultless replay", () => {
  expect(renderReport(report)).toMatchInlineSnapshot(`
    "Replay complete

      trace             chat.jsonl: 2,915 messages of 1,976 sessions
      run               20 min 24 s of trace time in 20.5 s, at 60×
      settings          capacity 32, hang 1 %, crash 0.5 %, exec 0 %, stall 20 s, reclaim 1 min, grace 5 s, seed 7
      outcomes          2,880 completed, 1 failed, 34 reclaimed, 35 dead-lettered
      commands          59 started, 59 delivered
      wait              p50 1 ms, p95 840 ms, p99 12.3 s (trace time)
      turns             3,016, 147.4 a second
      memory            120 MiB at the peak
      event loop        late by p50 0.1 ms, p99 2.3 ms, at most 11.5 ms

      order violations  0
      overlaps          0
      lost              0
      duplicated        0

    ✔ Every message ran in its order, alone, and came to an end.
    "
  `);
});

it("tells what was lost, by name, and that the keeper broke its word", () => {
  const lostMessages = Array.from({ length: 7 }, (_, index) => `message-${index + 1}`);
  const text = renderReport({
    ...report,
    lost: 8,
    lostMessages,
    misroutedCompletions: ["exec-1"],
    overlaps: 2,
  });
  expect(text).toContain("  overlaps          2\n");
  expect(text).toContain("  lost              8\n");
  expect(text).toContain(
    "  messages lost: message-1, message-2, message-3, message-4, message-5 and 2 more\n",
  );
  expect(text).toContain("  completions misrouted: exec-1\n");
  expect(text).toMatch(/✘ The keeper broke its word\.\n$/);
});

it("paints the verdict and the counts that are not zero", () => {
  const paint = { good: (text: string) => `<good>${text}`, bad: (text: string) => `<bad>${text}` };
  expect(renderReport(report, paint)).toContain("<good>✔");
  expect(renderReport({ ...report, duplicated: 1 }, paint)).toContain("<bad>  duplicated        1");
});

it("says that it was interrupted, and what was put off", () => {
  const text = renderReport({ ...report, end: "interrupted", sent: 100, suspended: 12 });
  expect(text).toMatch(/^Replay interrupted: 100 of 2,915 messages sent\n/);
  expect(text).toContain("12 suspended");
  expect(text).toContain("✔ Nothing went wrong up to here.");
});

it("says that nothing happened any more", () => {
  const text = renderReport({ ...report, end: "quiet", sent: 100 });
  expect(text).toMatch(/^Replay given up because nothing happened any more: 100 of 2,915 messages sent\n/);
  expect(text).toContain("✘");
});

it("tells the store, which life of its replay this was, and how many commands were lost with earlier ones", () => {
  const once = { ...report, store: "sqlite:replay.db" };
  expect(renderReport(once)).toContain("\n  store             sqlite:replay.db\n");
  const commands = { started: 59, delivered: 58, asLost: 2, deadLettered: 1 };
  const again = renderReport({ ...once, lives: 3, commands });
  expect(again).toContain("\n  store             sqlite:replay.db, life 3 of this replay\n");
  expect(again).toContain("59 started, 58 delivered, 2 of them as lost, 1 dead-lettered");
});

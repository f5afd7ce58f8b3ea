import { formatDuration } from "./duration.ts";
import { isBroken } from "./replay-report.ts";
import type { ReplayReport } from "./replay-report.ts";

/** Colours for a verdict; the identity where there are none. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
}

const plain: Paint = { good: (text) => text, bad: (text) => text };
const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** The report as people read it, ending with a line break. */
export function renderReport(report: ReplayReport, paint: Paint = plain): string {
  const { trace, options, durationMs, waitMs, eventLoopDelayMs } = report;
  const speed = options.speed === "max" ? "at full speed" : `at ${numbers.format(options.speed)}×`;
  const rows: readonly (readonly [string, string])[] = [
    [
      "trace",
      `${trace.file}: ${counted(trace.messages, "message")} of ${counted(trace.sessions, "session")}`,
    ],
    [
      "run",
      `${formatDuration(durationMs.trace)} of trace time in ${formatDuration(durationMs.real)}, ${speed}`,
    ],
    ["settings", describeSettings(report)],
    ...describeStore(report),
    ["outcomes", describeOutcomes(report)],
    ["commands", describeCommands(report)],
    [
      "wait",
      `p50 ${formatDuration(waitMs.p50)}, p95 ${formatDuration(waitMs.p95)}, p99 ${formatDuration(waitMs.p99)} (trace time)`,
    ],
    ["turns", `${numbers.format(report.turns)}, ${numbers.format(report.turnsPerSecond)} a second`],
    ["memory", `${numbers.format(report.peakMemoryBytes / 2 ** 20)} MiB at the peak`],
    [
      "event loop",
      `late by p50 ${formatDelay(eventLoopDelayMs.p50)}, p99 ${formatDelay(eventLoopDelayMs.p99)}, at most ${formatDelay(eventLoopDelayMs.max)}`,
    ],
  ];
  const counts: readonly (readonly [string, number])[] = [
    ["order violations", report.orderViolations],
    ["overlaps", report.overlaps],
    ["lost", report.lost],
    ["duplicated", report.duplicated],
  ];
  return [
    headline(report),
    "",
    ...rows.map(([name, value]) => `  ${name.padEnd(18)}${value}`),
    "",
    ...counts.map(([name, count]) => {
      const line = `  ${name.padEnd(18)}${numbers.format(count)}`;
      return count === 0 ? line : paint.bad(line);
    }),
    ...describeLoss(report),
    "",
    isBroken(report) ? paint.bad("✘ The keeper broke its word.") : paint.good(verdict(report)),
    "",
  ].join("\n");
}

function headline({ end, sent, trace }: ReplayReport): string {
  const share = `${numbers.format(sent)} of ${counted(trace.messages, "message")} sent`;
  if (end === "interrupted") return `Replay interrupted: ${share}`;
  if (end === "quiet") return `Replay given up because nothing happened any more: ${share}`;
  return "Replay complete";
}

function verdict({ end }: ReplayReport): string {
  return end === "complete"
    ? "✔ Every message ran in its order, alone, and came to an end."
    : "✔ Nothing went wrong up to here.";
}

function describeSettings({ options, seed }: ReplayReport): string {
  const percent = (share: number) => `${numbers.format(share * 100)} %`;
  return [
    `capacity ${numbers.format(options.capacity)}`,
    `hang ${percent(options.hang)}`,
    `crash ${percent(options.crash)}`,
    `exec ${percent(options.exec)}`,
    `stall ${formatDuration(options.stallMs)}`,
    `reclaim ${formatDuration(options.reclaimMs)}`,
    `grace ${formatDuration(options.graceMs)}`,
    `seed ${seed}`,
  ].join(", ");
}

function describeStore({ store, lives }: ReplayReport): readonly (readonly [string, string])[] {
  if (store === "memory") return [];
  return [["store", lives === 1 ? store : `${store}, life ${numbers.format(lives)} of this replay`]];
}

function describeOutcomes(report: ReplayReport): string {
  const always: readonly (readonly [string, number])[] = [
    ["completed", report.completed],
    ["failed", report.failed],
    ["reclaimed", report.reclaimed],
    ["dead-lettered", report.deadLettered],
  ];
  const seldom: readonly (readonly [string, number])[] = [
    ["refused", report.refused],
    ["cancelled", report.cancelled],
    ["dropped", report.dropped],
    ["suspended", report.suspended],
  ];
  return [...always, ...seldom.filter(([, count]) => count > 0)]
    .map(([name, count]) => `${numbers.format(count)} ${name}`)
    .join(", ");
}

function describeCommands({ commands }: ReplayReport): string {
  const { started, delivered, asLost, deadLettered } = commands;
  const parts = [`${numbers.format(started)} started`, `${numbers.format(delivered)} delivered`];
  if (asLost > 0) parts.push(`${numbers.format(asLost)} of them as lost`);
  if (deadLettered > 0) parts.push(`${numbers.format(deadLettered)} dead-lettered`);
  return parts.join(", ");
}

const namesShown = 5;

function describeLoss(report: ReplayReport): readonly string[] {
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ["messages lost", report.lostMessages],
    ["completions undelivered", report.end === "interrupted" ? [] : report.undeliveredCompletions],
    ["completions misrouted", report.misroutedCompletions],
  ];
  return kinds
    .filter(([, names]) => names.length > 0)
    .map(([name, names]) => {
      const rest = names.length > namesShown ? ` and ${numbers.format(names.length - namesShown)} more` : "";
      return `  ${name}: ${names.slice(0, namesShown).join(", ")}${rest}`;
    });
}

function counted(count: number, noun: string): string {
  return `${numbers.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function formatDelay(delayMs: number): string {
  return `${numbers.format(delayMs)} ms`;
}

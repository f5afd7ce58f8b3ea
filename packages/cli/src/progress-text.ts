import { formatDuration } from "./duration.ts";
import type { ProgressText } from "./progress-display.ts";
import type { ReplayProgress } from "./replay.ts";

const numbers = new Intl.NumberFormat("en");
const longestBar = 40;

/** How a replay goes, as a display shows it. */
export function describeReplay(progress: ReplayProgress): ProgressText {
  return {
    block: (columns) => `${renderBar(progress, columns)}\n${renderStats(progress)}`,
    line: () => renderProgressLine(progress),
  };
}

/** A bar, filled by a share of 0 to 1, with facts behind it. */
export function drawBar(share: number, facts: string, columns: number): string {
  const width = Math.max(0, Math.min(longestBar, columns - facts.length - 2));
  const filled = Math.round(width * share);
  return `${"█".repeat(filled)}${"░".repeat(width - filled)} ${facts}`;
}

/** The bar: how many messages have come to an end. */
export function renderBar(progress: ReplayProgress, columns: number): string {
  const share = progress.total === 0 ? 1 : progress.settled / progress.total;
  return drawBar(
    share,
    `${renderShare(progress)} · ${formatDuration(progress.traceMs)} of trace time`,
    columns,
  );
}

/** The live line: what the keeper is doing. */
export function renderStats({ stats }: ReplayProgress): string {
  return [
    `running ${numbers.format(stats.running)}`,
    `waiting ${numbers.format(stats.waiting)}`,
    `stalled ${numbers.format(stats.stalled)}`,
    `reclaimed ${numbers.format(stats.reclaimed)}`,
    `zombies ${numbers.format(stats.zombies)}`,
  ].join(" · ");
}

/** Both in one line, for a log. */
export function renderProgressLine(progress: ReplayProgress): string {
  return `${renderShare(progress)} · ${formatDuration(progress.traceMs)} of trace time · ${renderStats(progress)}`;
}

function renderShare({ settled, total }: ReplayProgress): string {
  const percent = total === 0 ? 100 : Math.floor((100 * settled) / total);
  return `${String(percent).padStart(3)} % · ${numbers.format(settled)} of ${numbers.format(total)} messages`;
}

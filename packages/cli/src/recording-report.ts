import { basename } from "node:path";
import type { Violation } from "@lanekeeper/testing";
import type { Explanation, LanekeeperError } from "lanekeeper";
import type { Recording, ReplayResult } from "lanekeeper/recording";
import { formatDuration } from "./duration.ts";
import type { Paint } from "./report-text.ts";

/** A moment of a playback, and what a session was then. */
export interface Moment {
  readonly played: number;
  /** Milliseconds since the recording began. */
  readonly atMs: number;
  readonly explanation: Explanation;
}

/** What came of the playback of a recording. */
export interface RecordingReport {
  /** The file's name. */
  readonly file: string;
  /** When it was begun, as an ISO instant, and by which release of lanekeeper. */
  readonly recordedAt: string;
  readonly recordedBy: string;
  /** Entries of the file. */
  readonly entries: number;
  /** Where there was no difference. */
  readonly result?: ReplayResult | undefined;
  /** The first difference. */
  readonly difference?: {
    /** Counted from 1; its line in the file is one more. */
    readonly entry: number;
    readonly atMs: number;
    /** As the recording has it, and as it came now. Absent: nothing. */
    readonly expected?: unknown;
    readonly actual?: unknown;
  };
  readonly moment?: Moment | undefined;
  /** What broke a rule, where that was asked for. */
  readonly violations?: readonly BrokenRecordedRule[] | undefined;
}

/** A place in a recording where a rule was broken. */
export interface BrokenRecordedRule extends Pick<Violation, "rule" | "claim" | "sentence" | "sessionKey"> {
  /** Counted from 1; its line in the file is one more. */
  readonly entry: number;
  /** Milliseconds since the recording began. */
  readonly atMs: number;
}

const numbers = new Intl.NumberFormat("en");
/** Characters of an entry that are shown. */
const shownCharacters = 600;
/** Broken rules that are shown; JSON has them all. */
const shownViolations = 20;

/** Makes the report of a playback. */
export function createRecordingReport(
  path: string,
  { header, entries }: Recording,
  played: {
    readonly result: ReplayResult | undefined;
    readonly divergence: LanekeeperError | undefined;
    readonly moment: Moment | undefined;
    readonly violations: readonly Violation[] | undefined;
  },
): RecordingReport {
  const { result, divergence, moment, violations } = played;
  const details = divergence?.details as
    | { entry: number; at: number; expected?: unknown; actual?: unknown }
    | undefined;
  return {
    file: basename(path),
    recordedAt: new Date(header.startedAt).toISOString(),
    recordedBy: header.lanekeeper,
    entries: entries.length,
    ...(result === undefined ? {} : { result }),
    ...(details === undefined
      ? {}
      : {
          difference: {
            entry: details.entry + 1,
            atMs: details.at - header.startedMono,
            expected: toPlain(details.expected),
            actual: toPlain(details.actual),
          },
        }),
    ...(moment === undefined ? {} : { moment }),
    ...(violations === undefined
      ? {}
      : {
          violations: violations.map(({ rule, claim, sentence, sessionKey, index, at }) => ({
            rule,
            claim,
            sentence,
            sessionKey,
            entry: index + 1,
            atMs: at - header.startedMono,
          })),
        }),
  };
}

/** The report as people read it, ending with a line break. */
export function renderRecordingReport(report: RecordingReport, paint: Paint): string {
  const { file, recordedAt, recordedBy, result, difference, moment, violations } = report;
  const lines = [`${file}: recorded ${recordedAt} by lanekeeper ${recordedBy}`];
  if (result !== undefined) {
    const { sessions, turns, events, spanMs, entries, compared } = result;
    const traffic = `${counted(turns, "turn")} of ${counted(sessions, "session")}`;
    const played = `${numbers.format(entries)} of ${counted(report.entries, "entry", "entries")} played`;
    lines.push(
      row("traffic", `${traffic}, ${counted(events, "event")}`),
      row("span", formatDuration(spanMs)),
      row("steps", `${played}, ${numbers.format(compared)} of them compared`),
      row("end", describeEnd(result, report.entries)),
    );
  }
  if (moment !== undefined) lines.push(...describeMoment(moment));
  if (difference === undefined) lines.push("", paint.good("✔ The keeper did the same, step by step."));
  else lines.push(...describeDifference(difference, paint));
  if (violations !== undefined) lines.push(...describeViolations(violations, paint));
  return `${lines.join("\n")}\n`;
}

function describeEnd({ entries, isWhole }: ReplayResult, all: number): string {
  if (entries < all) return "stopped before the end of the file";
  return isWhole
    ? "the keeper was closed"
    : "the keeper was not closed: its process died, or the file was cut off";
}

function describeMoment({ played, atMs, explanation }: Moment): readonly string[] {
  const { sessionKey, blockedBy, sentence } = explanation;
  return [
    "",
    `${sessionKey} after ${counted(played, "entry", "entries")}, ${formatDuration(atMs)} in (${blockedBy ?? "runnable"}):`,
    `  ${sentence}`,
  ];
}

function describeDifference(
  { entry, atMs, expected, actual }: NonNullable<RecordingReport["difference"]>,
  paint: Paint,
): readonly string[] {
  return [
    "",
    paint.bad(
      `✘ The keeper did something else at entry ${numbers.format(entry)} (line ${numbers.format(entry + 1)}), ${formatDuration(atMs)} in.`,
    ),
    row("recorded", show(expected)),
    row("came", show(actual)),
  ];
}

function describeViolations(violations: readonly BrokenRecordedRule[], paint: Paint): readonly string[] {
  if (violations.length === 0) return [paint.good("✔ No rule was broken.")];
  const places = violations
    .slice(0, shownViolations)
    .flatMap(({ rule, claim, sentence, entry, atMs }) => [
      `  ${rule} at entry ${numbers.format(entry)}, ${formatDuration(atMs)} in: ${sentence}`,
      `      The rule: ${claim}`,
    ]);
  const more = violations.length - shownViolations;
  if (more > 0) places.push(`  and ${counted(more, "place")} more: --report json has them all`);
  return ["", paint.bad(`✘ A rule was broken in ${counted(violations.length, "place")}:`), ...places];
}

const row = (name: string, value: string): string => `  ${name.padEnd(10)}${value}`;

function counted(count: number, noun: string, several = `${noun}s`): string {
  return `${numbers.format(count)} ${count === 1 ? noun : several}`;
}

function show(entry: unknown): string {
  if (entry === undefined) return "nothing";
  const text = JSON.stringify(entry);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters - 1)}…` : text;
}

/** A value as JSON has it, with what JSON cannot say as text. */
function toPlain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === "bigint" || typeof member === "function") return String(member);
    if (member instanceof Error) return { name: member.name, message: member.message };
    return member;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

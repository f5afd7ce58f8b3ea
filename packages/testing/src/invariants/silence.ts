import type { Step } from "./step.ts";
import { overAt, startOf, stopOf, type TurnStory, type TurnWait } from "./turn-story.ts";

/**
 * When a turn was silent, as far as its host can tell (B24, B29).
 *
 * I1. What counts as progress here is progress. There may have been more: the output of its foreground commands is not seen.
 */
export interface Silence {
  /** The instant since which the turn was silent; that before which it certainly did something, or waited by its own word. */
  readonly since: number;
  /** The step that ended it: progress, its being told to stop, its end. Undefined: the recording ends. */
  readonly until: Step | undefined;
  readonly from: Step;
}

/** What a turn did, and when that counts as done. */
interface Progress {
  readonly step: Step;
  readonly at: number;
}

/** The silences of a turn, in order; none where nobody listened yet when it started: its waits were not told. */
export function silencesOf(turn: TurnStory): readonly Silence[] {
  if (turn.started === undefined || turn.called === undefined) return [];
  const progress = progressOf(turn);
  const silences: Silence[] = [];
  for (const [index, { step, at }] of progress.entries()) {
    const next = progress[index + 1]?.step ?? endOf(turn);
    silences.push({ from: step, since: waitedUntil(turn, step, at, next), until: next });
  }
  return silences;
}

/** Whether a command of a turn may have made progress unseen. */
export function mayProgressUnseen({ did }: TurnStory): boolean {
  return did.some(({ entry }) => entry.what === "exec" && isForeground(entry.args[2]));
}

/** When a wait's time is over, on the monotonic clock. */
export function waitEndsAt({ from }: TurnWait): number {
  const { untilAt, at } = from.event;
  return untilAt === undefined ? Infinity : from.step.at + Math.max(0, untilAt - at);
}

/** The first step by which a turn can make no progress any more. */
function endOf(turn: TurnStory): Step | undefined {
  const stop = stopOf(turn);
  const over = overAt(turn);
  if (stop === undefined || over === undefined) return stop ?? over;
  return stop.order < over.order ? stop : over;
}

function progressOf(turn: TurnStory): readonly Progress[] {
  const end = endOf(turn)?.order ?? Infinity;
  const first = startOf(turn);
  const progress: Progress[] = [{ step: first, at: first.at }];
  for (const step of turn.did) {
    const { what, got, refusal } = step.entry;
    const isProgress = what === "progress" || what === "emit" || (Array.isArray(got) && got.length > 0);
    if (isProgress && refusal === undefined) progress.push({ step, at: step.at });
  }
  for (const wait of turn.waits) {
    const { from, to } = wait;
    progress.push({ step: from.step, at: from.step.at });
    // One whose time was over has ended then, and does nothing now.
    if (to !== undefined && to.step.at <= waitEndsAt(wait)) progress.push({ step: to.step, at: to.step.at });
  }
  return progress.filter(({ step }) => step.order < end).toSorted((a, b) => a.step.order - b.step.order);
}

/** Until when a turn waited by its own word after some progress; that progress itself, where it did not. */
function waitedUntil(turn: TurnStory, step: Step, at: number, next: Step | undefined): number {
  let since = at;
  for (const wait of turn.waits) {
    const isOpen = wait.from.step.order <= step.order && (wait.to?.step.order ?? Infinity) > step.order;
    // Until its time was over, or until what comes next.
    if (isOpen) since = Math.max(since, Math.min(waitEndsAt(wait), next?.at ?? Infinity));
  }
  return since;
}

function isForeground(options: unknown): boolean {
  return (
    typeof options === "object" &&
    options !== null &&
    (options as { foreground?: unknown }).foreground === true
  );
}

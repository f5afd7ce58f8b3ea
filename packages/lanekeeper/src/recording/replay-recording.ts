import * as v from "valibot";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { callback, check, count, members, optional } from "../keeper/validation.ts";
import { createPlayer, type Player } from "./player.ts";
import type { Recording, RecordingEntry } from "./recording.ts";
import { isWhole, type ReplayResult, summarize } from "./summary.ts";
import { createTape, type Tape } from "./tape.ts";

/** How a recording is played back. */
export interface ReplayOptions {
  /** How many entries are played; the step that the last of them belongs to is played to its end. Default: all. */
  readonly until?: number | undefined;
  /**
   * Called whenever the keeper has done what there was to do, before the next entry of the recording brings it to go on. A
   * throw ends the playback with it.
   */
  readonly onStep?: ((step: ReplayStep) => void) | undefined;
}

/** A moment of a playback, between two steps of the keeper. */
export interface ReplayStep {
  /** Entries that have been played. */
  readonly played: number;
  /** The entry that is played next. */
  readonly next: RecordingEntry;
  /** The keeper as it was at that moment. */
  readonly keeper: Pick<Lanekeeper, "explain" | "session" | "stats">;
}

/**
 * Runs a recording again: a real keeper, whose clock, ports and host do what the recording says, when it says so. Resolves
 * if the keeper does the same, step by step; rejects with `RECORDING_DIVERGED` at the first difference.
 */
export async function replayRecording(
  recording: Recording,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const { until = Infinity, onStep } = check("options", v.optional(optionsSchema, {}), options);
  const tape = createTape(recording);
  const player = createPlayer(tape, recording);
  tape.play = (entry) => {
    if (!player.play(entry)) tape.diverge(entry, undefined);
  };
  await playThrough(tape, player, until, onStep);
  if (tape.divergence === undefined && tape.next === undefined) expectNothingUntold(tape, player, recording);
  if (tape.divergence !== undefined) throw tape.divergence;
  return summarize(recording, tape.played);
}

const optionsSchema = members({
  until: optional(count(0)),
  onStep: optional(callback<(step: ReplayStep) => void>()),
});

/** Turns of the event loop that a keeper has to come to where the recording is. */
const patience = 5;

async function playThrough(
  tape: Tape,
  player: Player,
  until: number,
  onStep: ((step: ReplayStep) => void) | undefined,
): Promise<void> {
  const view: ReplayStep["keeper"] = {
    explain: (key) => tape.aside(() => player.keeper!.explain(key)),
    session: (key) => tape.aside(() => player.keeper!.session(key)),
    stats: () => tape.aside(() => player.keeper!.stats()),
  };
  for (;;) {
    // What went on by the last entry goes on now, up to the next passage.
    await Promise.resolve();
    const { next } = tape;
    if (next === undefined || tape.isOver || tape.played >= until) return;
    if (player.keeper !== undefined) onStep?.({ played: tape.played, next, keeper: view });
    if (next.inside === undefined && player.play(next)) continue;
    if (await comesTo(tape, next, player)) continue;
    tape.diverge(next, player.failure);
  }
}

/** A keeper that has closed has told all that it was asked. */
function expectNothingUntold(tape: Tape, { untold }: Player, recording: Recording): void {
  if (isWhole(recording) && untold.length > 0) tape.diverge(undefined, untold[0]);
}

/** Waits until the keeper is where an entry can be played, or has done by itself what it says. */
async function comesTo(tape: Tape, entry: RecordingEntry, player: Player): Promise<boolean> {
  for (let turn = 0; turn < patience; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (tape.isOver || tape.next !== entry) return true;
    if (entry.inside === undefined && player.play(entry)) return true;
  }
  return false;
}

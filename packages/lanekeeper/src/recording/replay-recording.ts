import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { toError } from "../keeper/errors.ts";
import type { Interposer } from "../keeper/interposer.ts";
import type { LanekeeperOptions, Settings } from "../keeper/options.ts";
import type { Logger } from "../seeing/logger.ts";
import type { Recording, RecordingEntry } from "./recording.ts";
import { replayHost } from "./replayed-host.ts";
import { replayPassages } from "./replayed-passages.ts";
import { replayPorts } from "./replayed-ports.ts";
import { replayTime } from "./replayed-time.ts";
import { createTape, type Players, type Tape } from "./tape.ts";

/** How a recording is played back. */
export interface ReplayOptions {
  /** How many entries are played. Default: all. */
  readonly until?: number | undefined;
}

/** What a recording came to that was played back without a difference. */
export interface ReplayResult {
  /** Entries that were played and compared. */
  readonly entries: number;
}

/**
 * Runs a recording again: a real keeper, whose clock, ports and host do what the recording says, when it says so. Resolves
 * if the keeper does the same, step by step; rejects with `RECORDING_DIVERGED` at the first difference, and with
 * `RECORDING_INVALID` for what is no recording of a keeper.
 */
export async function replayRecording(
  recording: Recording,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const tape = createTape(recording, options.until);
  const player = createPlayer(tape, recording);
  tape.play = (entry) => {
    if (!player.play(entry)) throw tape.diverge(entry, undefined);
  };
  await playThrough(tape, player);
  if (tape.divergence !== undefined) throw tape.divergence;
  return { entries: tape.played };
}

/** A keeper on a tape. */
interface Player {
  /** Plays an entry; false if that cannot be done as things are. */
  play(entry: RecordingEntry): boolean;
  /** Why the keeper could not be created. */
  readonly failure: Error | undefined;
}

/** Turns of the event loop that a keeper has to come to where the recording is. */
const patience = 5;

async function playThrough(tape: Tape, player: Player): Promise<void> {
  for (;;) {
    // What went on by the last entry goes on now, up to the next passage.
    await Promise.resolve();
    const entry = tape.next;
    if (entry === undefined || tape.isOver) return;
    if (entry.inside === undefined && player.play(entry)) continue;
    if (await comesTo(tape, entry, player)) continue;
    tape.diverge(entry, player.failure);
  }
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

/** Creates a keeper whose every port is played back. */
function createPlayer(tape: Tape, { header }: Recording): Player {
  const { made, options } = header;
  const time = replayTime(tape);
  const passages = replayPassages(tape);
  const ports = replayPorts(tape, made);
  const host = replayHost(tape);
  const players: Players = { ...time.players, ...passages.players, ...ports.players, ...host.players };
  let failure: Error | undefined;

  const begin = (settings: Settings): Interposer => ({
    settings: {
      ...settings,
      ...ports.settings,
      ...replayCallbacks(tape, made.hasLaneFor),
      clock: time.clock,
      turn: host.turn,
      instance: made.instance,
    },
    passages,
    aside: time.aside,
    isPlayback: true,
    moved: (actor, detail) => void tape.take({ type: "moved", actor, detail }),
    present(keeper) {
      host.opened(keeper);
      return keeper;
    },
    failed(error) {
      failure = toError(error);
    },
  });
  const { capacity, heartbeats, exec, forgetAfterMs } = options as Partial<LanekeeperOptions>;
  const lane = made.laneSettings as LanekeeperOptions["lane"];
  const logger = replayLogger(tape);
  createLanekeeper({
    turn: () => {},
    capacity,
    heartbeats,
    exec,
    forgetAfterMs,
    lane,
    logger,
    recorder: { begin },
  }).catch((error: unknown) => {
    failure ??= toError(error);
  });
  return {
    play: (entry) => players[entry.type]?.(entry as never) ?? false,
    get failure() {
      return failure;
    },
  };
}

function replayCallbacks(
  tape: Tape,
  hasLaneFor: boolean,
): Pick<Settings, "random" | "createId" | "spareId" | "agentOf" | "laneFor"> {
  const gave =
    <R>(what: string) =>
    (...args: readonly unknown[]): R => {
      tape.callOut();
      return tape.take({ type: "gave", what, args: args.length > 0 ? args : undefined }).value as R;
    };
  return {
    random: gave("random"),
    createId: gave("createId"),
    spareId: gave("spareId"),
    agentOf: gave("agentOf"),
    laneFor: hasLaneFor ? gave("laneFor") : undefined,
  };
}

function replayLogger(tape: Tape): Logger {
  const log = (): void => tape.callLogger();
  return { debug: log, info: log, warn: log, error: log };
}

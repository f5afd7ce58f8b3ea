import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { toError } from "../keeper/errors.ts";
import type { Interposer } from "../keeper/interposer.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LanekeeperOptions, Settings } from "../keeper/options.ts";
import type { Logger } from "../seeing/logger.ts";
import type { Recording, RecordingEntry } from "./recording.ts";
import { replayHost } from "./replayed-host.ts";
import { replayPassages } from "./replayed-passages.ts";
import { replayPorts } from "./replayed-ports.ts";
import { replayTime } from "./replayed-time.ts";
import type { Players, Tape } from "./tape.ts";

/** A keeper on a tape. */
export interface Player {
  readonly keeper: Lanekeeper | undefined;
  /** Plays an entry; false if that cannot be done as things are. */
  play(entry: RecordingEntry): boolean;
  /** Why the keeper could not be created. */
  readonly failure: Error | undefined;
  /** What calls came to that the recording has not told. */
  readonly untold: readonly object[];
}

/** Creates a keeper whose every port is played back. */
export function createPlayer(tape: Tape, { header }: Recording): Player {
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
    get keeper() {
      return host.keeper;
    },
    get untold() {
      return host.untold;
    },
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
      // Whoever only looks gets what there is by default.
      if (tape.isAside) return undefined as R;
      tape.callOut();
      return tape.take({ type: "gave", what, args: args.length > 0 ? args : undefined })?.value as R;
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

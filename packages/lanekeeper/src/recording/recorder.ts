import { LanekeeperError } from "../keeper/errors.ts";
import { containIds } from "../keeper/id.ts";
import type { Interposer, Recorder } from "../keeper/interposer.ts";
import type { Settings } from "../keeper/options.ts";
import type { Logger } from "../seeing/logger.ts";
import { createCalls } from "./calls.ts";
import { recordKeeper } from "./recorded-keeper.ts";
import { recordPassages } from "./recorded-passages.ts";
import { recordLeases, recordProcesses, recordStore } from "./recorded-ports.ts";
import { recordTurns } from "./recorded-turn.ts";
import type { RecordingHeader } from "./recording.ts";
import { createRecordingLog, type RecordingLog, type RecordingSink } from "./recording-log.ts";
import { release } from "./release.ts";

/** Records one keeper into a sink. */
export function recordTo(
  sink: RecordingSink,
  options: { readonly hideContents?: boolean | undefined } = {},
): Recorder {
  let hasBegun = false;
  return {
    begin(settings) {
      if (hasBegun) {
        throw new LanekeeperError(
          "INVALID_OPTION",
          "recorder must be one that has recorded no other keeper. Make one for each keeper.",
          { option: "recorder" },
        );
      }
      hasBegun = true;
      return interpose(settings, sink, options.hideContents === true);
    },
  };
}

function interpose(given: Settings, sink: RecordingSink, isHiding: boolean): Interposer {
  const log = createRecordingLog((...instant) => headerOf(given, isHiding, ...instant), sink, {
    clock: given.clock,
    logger: given.logger,
    isHiding,
  });
  const calls = createCalls(log);
  return {
    settings: {
      ...given,
      ...recordCallbacks(given, log),
      clock: log.time.clock,
      store: recordStore(given.store, log, {
        clock: log.time.ofStore,
        createId: containIds(given, () => {}),
      }),
      leases: given.leases === undefined ? undefined : recordLeases(given.leases, log),
      processes: recordProcesses(given.processes, log),
      logger: recordLogger(given.logger, log),
      turn: recordTurns(given.turn, log, calls),
    },
    passages: recordPassages(log),
    aside: log.time.aside,
    isPlayback: false,
    moved: (actor, detail) => log.note({ type: "moved", actor, detail }),
    present(keeper) {
      log.note({ type: "opened" });
      keeper.events$.subscribe((event) => log.note({ type: "event", event }));
      return recordKeeper(keeper, log, calls);
    },
    failed: () => void log.end(),
  };
}

/** The host's callbacks, with what each gives noted; of one that throws, that it gave nothing. */
function recordCallbacks(
  { random, createId, spareId, agentOf, laneFor }: Settings,
  log: RecordingLog,
): Pick<Settings, "random" | "createId" | "spareId" | "agentOf" | "laneFor"> {
  const noted =
    <Args extends readonly unknown[], R>(what: string, callback: (...args: Args) => R) =>
    (...args: Args): R => {
      let value: R;
      try {
        value = log.callOut(() => callback(...args));
      } catch (error) {
        log.note({ type: "gave", what, value: undefined, args: args.length > 0 ? args : undefined });
        throw error;
      }
      log.note({ type: "gave", what, value, args: args.length > 0 ? args : undefined });
      return value;
    };
  return {
    random: noted("random", random),
    createId: noted("createId", createId),
    spareId: noted("spareId", spareId),
    agentOf: noted("agentOf", agentOf),
    laneFor: laneFor === undefined ? undefined : noted("laneFor", laneFor),
  };
}

/** A logger may call the keeper. */
function recordLogger(logger: Logger, log: RecordingLog): Logger {
  return {
    debug: (...line) => log.callLogger(() => logger.debug(...line)),
    info: (...line) => log.callLogger(() => logger.info(...line)),
    warn: (...line) => log.callLogger(() => logger.warn(...line)),
    error: (...line) => log.callLogger(() => logger.error(...line)),
  };
}

function headerOf(
  settings: Settings,
  hidesContents: boolean,
  startedAt: number,
  startedMono: number,
): RecordingHeader {
  const { lane, laneSettings, heartbeats, exec, forgetAfterMs, instance } = settings;
  const capacity = { ...settings.capacity, groups: Object.fromEntries(settings.capacity.groups) };
  const leases = settings.leases ?? settings.store.leases;
  return {
    format: "lanekeeper-recording",
    version: 1,
    lanekeeper: release,
    startedAt,
    startedMono,
    options: { capacity, lane, heartbeats, exec, forgetAfterMs },
    made: {
      instance,
      laneSettings,
      hasLaneFor: settings.laneFor !== undefined,
      hasLeases: settings.leases !== undefined,
      watches: leases.watch !== undefined,
      hidesContents,
    },
  };
}

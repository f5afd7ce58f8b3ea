import { LanekeeperError } from "../keeper/errors.ts";
import type { Interposer, Recorder } from "../keeper/interposer.ts";
import type { Settings } from "../keeper/options.ts";
import { createCalls } from "./calls.ts";
import { recordKeeper } from "./recorded-keeper.ts";
import { recordTurns } from "./recorded-turn.ts";
import type { RecordingHeader } from "./recording.ts";
import { createRecordingLog, type RecordingSink } from "./recording-log.ts";

/** Records one keeper into a sink. */
export function recordTo(sink: RecordingSink): Recorder {
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
      return interpose(settings, sink);
    },
  };
}

function interpose(given: Settings, sink: RecordingSink): Interposer {
  const { clock, logger } = given;
  const log = createRecordingLog(headerOf(given), sink, { monotonic: () => clock.monotonic(), logger });
  const calls = createCalls(log);
  return {
    settings: { ...given, turn: recordTurns(given.turn, log, calls) },
    present(keeper) {
      keeper.events$.subscribe((event) => log.note({ type: "event", event }));
      return recordKeeper(keeper, log, calls, () => log.end());
    },
  };
}

function headerOf({ clock, lane, heartbeats, exec, forgetAfterMs, ...given }: Settings): RecordingHeader {
  const capacity = { ...given.capacity, groups: Object.fromEntries(given.capacity.groups) };
  return {
    format: "lanekeeper-recording",
    version: 1,
    startedAt: clock.now(),
    options: { capacity, lane, heartbeats, exec, forgetAfterMs },
  };
}

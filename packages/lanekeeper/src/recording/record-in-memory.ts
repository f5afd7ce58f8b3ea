import type { Recorder } from "../keeper/interposer.ts";
import { parseRecording } from "./parsing.ts";
import { recordTo } from "./recorder.ts";
import type { RecordingSink } from "./recording-log.ts";
import type { Recording } from "./recording.ts";

/** A recorder that keeps its recording in memory, for tests and simulations. */
export interface MemoryRecorder extends Recorder {
  /** What was recorded so far: of values, what they were when they passed. Throws `RECORDING_INVALID` before the keeper was created. */
  readonly recording: Recording;
  /** The same as a file would have it, a line each. */
  readonly lines: readonly string[];
}

/** Records one keeper in memory; with `hideContents` as `recordToFile` does. */
export function recordInMemory(
  options: { readonly hideContents?: boolean | undefined } = {},
): MemoryRecorder {
  const lines: string[] = [];
  let read: Recording | undefined;
  const sink: RecordingSink = {
    begin: (line) => void lines.push(line),
    write: (line) => void lines.push(line),
    end: async () => {},
  };
  const recorder = recordTo(sink, options);
  return {
    begin: (settings) => recorder.begin(settings),
    lines,
    get recording() {
      if (read === undefined || read.entries.length < lines.length - 1)
        read = parseRecording(lines, "the memory of its recorder");
      return read;
    },
  };
}

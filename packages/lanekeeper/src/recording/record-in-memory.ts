import type { Recorder } from "../keeper/interposer.ts";
import { parseRecording } from "./parsing.ts";
import { recordTo } from "./recorder.ts";
import type { Recording } from "./recording.ts";

/** A recorder that keeps its recording in memory, for tests and simulations. */
export interface MemoryRecorder extends Recorder {
  /** What was recorded so far: of values, what they were when they passed. Throws `RECORDING_INVALID` before the keeper was created. */
  readonly recording: Recording;
  /** The same as a file would have it, a line each. */
  readonly lines: readonly string[];
}

/** Records one keeper in memory. */
export function recordInMemory(): MemoryRecorder {
  const lines: string[] = [];
  let read: Recording | undefined;
  const recorder = recordTo({
    begin: (line) => void lines.push(line),
    write: (line) => void lines.push(line),
    end: async () => {},
  });
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

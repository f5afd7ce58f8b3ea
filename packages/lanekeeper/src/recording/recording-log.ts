import { messageOf, toError } from "../keeper/errors.ts";
import type { Logger } from "../seeing/logger.ts";
import { encode } from "./encoding.ts";
import type { RecordingHeader, SeenEntry } from "./recording.ts";

/** Where the lines of a recording go. What it throws ends the recording, and nothing else. */
export interface RecordingSink {
  /** The first line. `failed` may be called later: nothing more is written then. */
  begin(line: string, failed: (error: unknown) => void): void;
  write(line: string): void;
  /** Nothing comes any more. Resolves when everything is where it belongs, or cannot be brought there; never rejects. */
  end(): Promise<void>;
}

/**
 * Notes what happens, one line each.
 *
 * I1. Nothing here throws: a recording that cannot go on is logged once, and ends (B5).
 */
export interface RecordingLog {
  note(entry: SeenEntry): void;
  /** The number of the next call. */
  nextCall(): number;
  end(): Promise<void>;
}

/** Begins the log of a recording. */
export function createRecordingLog(
  header: RecordingHeader,
  sink: RecordingSink,
  host: { readonly monotonic: () => number; readonly logger: Logger },
): RecordingLog {
  let isOver = false;
  let calls = 0;
  const failed = (thrown: unknown): void => {
    if (isOver) return;
    isOver = true;
    const error = toError(thrown);
    try {
      host.logger.error(
        { error },
        `The recording ended: ${messageOf(error)}. The keeper goes on without being recorded.`,
      );
    } catch {
      // A logger that throws cannot be told about itself.
    }
  };
  try {
    sink.begin(JSON.stringify(encode(header)), failed);
  } catch (error) {
    failed(error);
  }
  return {
    note(entry) {
      if (isOver) return;
      try {
        const { type, ...facts } = entry;
        sink.write(JSON.stringify(encode({ at: host.monotonic(), type, ...facts })));
      } catch (error) {
        failed(error);
      }
    },
    nextCall: () => ++calls,
    async end() {
      isOver = true;
      try {
        await sink.end();
      } catch (error) {
        isOver = false;
        failed(error);
      }
    },
  };
}

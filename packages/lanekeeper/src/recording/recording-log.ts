import { messageOf, toError } from "../keeper/errors.ts";
import type { Logger } from "../seeing/logger.ts";
import type { Clock } from "../time/clock.ts";
import { encodeText } from "./encoding.ts";
import { createContentHider, hideContents } from "./hidden-contents.ts";
import type { InnerEntry } from "./inner-entries.ts";
import { toLine } from "./lines.ts";
import type { RecordingEntry, RecordingHeader, SeenEntry } from "./recording.ts";
import { Vocabulary } from "./vocabulary.ts";
import { createRecordedTime, type RecordedTime } from "./recorded-time.ts";

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
 * I2. Between two entries the keeper's clock stands still, or another entry says after which look it moved.
 * I3. What comes about while host code is being called is marked with the number of that call: it happened inside what
 *     the keeper was doing.
 */
export interface RecordingLog {
  readonly time: RecordedTime;
  note(entry: SeenEntry | InnerEntry): void;
  /** Calls host code. */
  callOut<T>(call: () => T): T;
  /** The same for the logger, which is not called as often in a playback. */
  callLogger<T>(call: () => T): T;
  /** The number of the next call. */
  nextCall(): number;
  /** The number of the next request. */
  nextRequest(): number;
  end(): Promise<void>;
}

/** Entries that make the keeper do something: those inside a call of host code are marked. */
const causes: ReadonlySet<RecordingEntry["type"]> = new Set([
  "call",
  "turn.did",
  "signal",
  "told",
  "answered",
  "timer",
]);

/** Begins the log of a recording. `begin` makes its header of the first instant. */
export function createRecordingLog(
  begin: (startedAt: number, startedMono: number) => RecordingHeader,
  sink: RecordingSink,
  host: {
    readonly clock: Clock;
    readonly logger: Logger;
    /** Whether contents are hidden. */
    readonly isHiding: boolean;
  },
): RecordingLog {
  let isOver = false;
  let outs = 0;
  /** The call of host code that is being made. */
  let inside: number | undefined;
  let calls = 0;
  let requests = 0;
  let writtenAt = 0;
  const vocabulary = new Vocabulary();

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
  const hide = host.isHiding ? createContentHider() : undefined;
  const write = (given: SeenEntry | InnerEntry): void => {
    if (isOver) return;
    const entry = hide === undefined ? given : hide(given);
    const at = time.mono;
    const marked: RecordingEntry =
      inside !== undefined && causes.has(entry.type) ? { at, inside, ...entry } : { at, ...entry };
    try {
      sink.write(toLine(marked, at - writtenAt, vocabulary));
    } catch (error) {
      failed(error);
    }
    writtenAt = at;
  };
  const log: RecordingLog = {
    get time() {
      return time;
    },
    note(entry) {
      if (isOver) return;
      time.beforeEntry();
      write(entry);
    },
    callOut(call) {
      const outer = inside;
      inside = ++outs;
      try {
        return call();
      } finally {
        inside = outer;
      }
    },
    callLogger(call) {
      const outer = inside;
      inside ??= 0;
      try {
        return call();
      } finally {
        inside = outer;
      }
    },
    nextCall: () => ++calls,
    nextRequest: () => ++requests,
    async end() {
      isOver = true;
      await sink.end();
    },
  };
  const time = createRecordedTime(host.clock, {
    write,
    note: (entry) => log.note(entry),
  });
  writtenAt = time.mono;
  try {
    const header = begin(time.wall, time.mono);
    sink.begin(encodeText(host.isHiding ? hideContents(header) : header), failed);
  } catch (error) {
    failed(error);
  }
  return log;
}

import type { Clock } from "../time/clock.ts";
import { type CallbackFault, containRejection, toError } from "../keeper/errors.ts";
import type { Passages } from "../keeper/passages.ts";
import { createEventStream, type EventStream } from "./event-stream.ts";
import type { Logger } from "./logger.ts";
import { createThrottle } from "../time/throttle.ts";

/**
 * Where what happens is told: events for subscribers, lines for the log.
 *
 * I1. Neither a subscriber nor a logger that throws changes anything; each is logged at most once per 30 s (B5).
 * I2. A warning that may repeat is one line per subject and 30 s, with the number held back (B32, B61).
 */
export interface Journal extends EventStream {
  /** One line per subject and 30 s. */
  warn(subject: string, fields: object, message: string): void;
  /** A bug or a fault that needs an operator; one line per subject and 30 s. */
  error(subject: string, fields: object, message: string): void;
  /** A host's callback threw, or what else it did: logged once per place and 30 s, and contained. */
  callbackFailed(place: string, error: unknown, did?: CallbackFault): void;
}

/** Milliseconds between two lines about the same subject. */
const quietMs = 30_000;

/** Creates the journal of a keeper. `flushSoon` asks for a `flush` after the current step. */
export function createJournal(
  clock: Clock,
  logger: Logger,
  flushSoon: () => void,
  passages?: Pick<Passages, "callOut">,
): Journal {
  const throttle = createThrottle(() => clock.monotonic(), quietMs);
  const write = (level: "warn" | "error", subject: string, fields: object, message: string): void => {
    const heldBack = throttle.allow(`${level}:${subject}`);
    if (heldBack === undefined) return;
    try {
      const line: unknown = logger[level](heldBack === 0 ? fields : { ...fields, heldBack }, message);
      containRejection(line, () => {});
    } catch {
      // A logger that throws cannot be told about itself.
    }
  };
  const callbackFailed = (place: string, error: unknown, did: CallbackFault = "threw"): void => {
    write("error", `callback:${place}`, { place, error: toError(error) }, `${place} ${did}; it was ignored.`);
  };
  const stream = createEventStream(
    flushSoon,
    (error) => callbackFailed("a subscriber of events$", error),
    passages,
  );
  return Object.assign(stream, {
    warn: (subject: string, fields: object, message: string) => write("warn", subject, fields, message),
    error: (subject: string, fields: object, message: string) => write("error", subject, fields, message),
    callbackFailed,
  });
}

/** What went wrong, for callers to branch on. */
export type LanekeeperErrorCode =
  | "INVALID_OPTION"
  | "INVALID_SESSION_KEY"
  | "INVALID_MESSAGE"
  | "LANE_BUSY"
  | "LANE_FULL"
  | "OVERLOADED"
  | "DRAINING"
  | "CLOSED"
  | "NOT_FOUND"
  | "MESSAGE_CANCELLED"
  | "MESSAGE_DROPPED"
  | "WORK_RECLAIMED"
  | "STORE_IN_USE"
  | "TURN_STALLED"
  | "TURN_TIMEOUT"
  | "TURN_INTERRUPTED"
  | "TURN_PREEMPTED"
  | "TURN_ABORTED"
  | "TURN_RESET"
  | "TURN_FENCED"
  | "SELF_DEADLOCK"
  | "LOCK_TIMEOUT"
  | "LOCK_ABORTED"
  | "LOCK_LOST"
  | "STORE_UNAVAILABLE"
  | "STORE_CORRUPT"
  | "STORE_INCOMPATIBLE"
  | "EXEC_FAILED"
  | "RECORDING_INVALID"
  | "RECORDING_DIVERGED";

/** Every error that Lanekeeper throws, rejects with or gives as a reason. Branch on `code`; `message` is for people. */
export class LanekeeperError extends Error {
  override readonly name = "LanekeeperError";
  /** What went wrong. */
  readonly code: LanekeeperErrorCode;
  /** The facts behind the message. */
  readonly details: Record<string, unknown>;

  constructor(
    code: LanekeeperErrorCode,
    message: string,
    details: Record<string, unknown> = {},
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Thrown by a turn handler: the same work would fail again, so it is not tried again (B31). */
export class PermanentError extends Error {
  override readonly name: string = "PermanentError";
}

/** The error behind anything a host may throw, also what is no error or cannot be turned into text. */
export function toError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error && typeof thrown.message === "string") return thrown;
  } catch {
    // A proxy, or a getter that throws: told below like any other value that is no error.
  }
  return new Error(`A value that is no error was thrown: ${describe(thrown)}.`, { cause: thrown });
}

/** An error's message, also of one whose own message throws or is no text. */
export function messageOf(error: Error): string {
  try {
    return typeof error.message === "string" ? error.message : describe(error.message);
  } catch {
    return "an error without a readable message";
  }
}

/** Whether the same work would fail again. */
export function isPermanent(error: unknown): boolean {
  try {
    return error instanceof PermanentError;
  } catch {
    return false;
  }
}

/** What a host's callback did instead of what it is for. */
export type CallbackFault = "threw" | "rejected" | "gave an invalid value";

/** Tells of the rejection of a promise that a callback gave where none is awaited, so that it ends no process (B5). */
export function containRejection(given: unknown, tell: (error: unknown) => void): void {
  try {
    if (typeof (given as { readonly then?: unknown } | null | undefined)?.then === "function") {
      Promise.resolve(given).catch(tell);
    }
  } catch {
    // What throws when it is looked at is no promise.
  }
}

/** A short text for any value, also for those whose own conversion throws. */
export function describe(value: unknown): string {
  try {
    if (typeof value === "string")
      return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return "a function";
    if (typeof value === "object" && value !== null) {
      const text = JSON.stringify(value);
      return text === undefined ? "an object" : text.length > 80 ? `${text.slice(0, 79)}…` : text;
    }
    return String(value);
  } catch {
    return `a ${typeof value}`;
  }
}

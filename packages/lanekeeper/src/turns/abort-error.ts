import type { AbortReason } from "@lanekeeper/machines";
import { LanekeeperError } from "../keeper/errors.ts";

/** The reason on the signal of a turn that is told to stop. */
export function abortError(
  reason: AbortReason,
  turn: { readonly id: string; readonly sessionKey: string },
  note: string | undefined,
): LanekeeperError {
  const details = { turnId: turn.id, sessionKey: turn.sessionKey };
  switch (reason) {
    case "stalled":
      return new LanekeeperError(
        "TURN_STALLED",
        "The turn made no progress for too long. Return now.",
        details,
      );
    case "timeout":
      return new LanekeeperError("TURN_TIMEOUT", "The turn ran for too long. Return now.", details);
    case "aborted":
      return new LanekeeperError(
        "TURN_ABORTED",
        note === undefined
          ? "The turn was aborted. Stop its work."
          : `The turn was aborted: ${note}. Stop its work.`,
        { ...details, reason: note },
      );
    case "interrupted":
      return new LanekeeperError(
        "TURN_INTERRUPTED",
        "A newer message interrupts the turn. Stop its work.",
        details,
      );
    case "preempted":
      return new LanekeeperError(
        "TURN_PREEMPTED",
        "A message came, and the heartbeat's turn gives way. Stop its work.",
        details,
      );
    case "reset":
      return new LanekeeperError("TURN_RESET", "The session was reset. Stop the turn's work.", details);
    case "closed":
      return new LanekeeperError("CLOSED", "The keeper closes. Return now.", details);
    case "lost":
      return new LanekeeperError(
        "TURN_FENCED",
        "The turn's lane lost its claim or crashed. Stop its work.",
        details,
      );
  }
}

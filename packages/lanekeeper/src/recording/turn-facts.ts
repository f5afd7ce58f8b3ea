import type { Turn } from "../turns/turn.ts";
import type { SeenEntry } from "./recording.ts";

/** What is noted of a turn when it starts. */
export function factsOf(turn: Turn): Omit<SeenEntry & { readonly type: "turn" }, "type"> {
  const { id, sessionKey, agent, cause, attempt, reasons, dropped } = turn;
  return {
    turnId: id,
    sessionKey,
    agent,
    cause,
    attempt,
    fencingToken: String(turn.fencingToken),
    reasons,
    messages: turn.messages.map(({ id: messageId, body }) => ({ id: messageId, body })),
    events: turn.events.map(({ id: eventId, kind, body }) => ({ id: eventId, kind, body })),
    dropped,
  };
}

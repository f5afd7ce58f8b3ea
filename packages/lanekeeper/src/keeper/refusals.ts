import { LanekeeperError } from "./errors.ts";
import { jsonFault } from "../store/json-values.ts";
import type { AppendResult, NewItem } from "../store/store.ts";

/** The error for work that a durable store could not give back as it was; undefined where it can (B57). */
export function notKeepable(
  { sessionKey, id, body }: Pick<NewItem, "sessionKey" | "id" | "body">,
  maxMessageBytes: number,
): LanekeeperError | undefined {
  const fault = jsonFault(body, "body", maxMessageBytes);
  if (fault === undefined) return undefined;
  return new LanekeeperError(
    "INVALID_MESSAGE",
    `This body cannot be kept (${fault}). A durable store takes what JSON gives back as it was, up to maxMessageBytes (${maxMessageBytes}). Nothing was accepted. Make that part of it text, numbers, lists or plain objects; or keep it elsewhere and send its path or URL.`,
    { sessionKey, id, fault },
  );
}

/** The error for work that the store did not accept. */
export function notAdmitted(
  { sessionKey, id, type }: Pick<NewItem, "sessionKey" | "id" | "type">,
  result: Extract<AppendResult, { status: "full" | "busy" | "overloaded" }>,
): LanekeeperError {
  if (result.status === "busy") {
    return new LanekeeperError(
      "LANE_BUSY",
      `${sessionKey} is not idle, and this message is not to wait (mode "reject"). Send it later, or in another mode.`,
      { sessionKey, id },
    );
  }
  const { waiting, limit } = result;
  const details = { sessionKey, id, waiting, limit };
  if (result.status === "overloaded") {
    return new LanekeeperError(
      "OVERLOADED",
      `${waiting} items wait over all sessions, as many as capacity.waiting allows. Send it later, or raise capacity.waiting.`,
      details,
    );
  }
  const option = type === "message" ? "lane.cap" : "lane.eventCap";
  return new LanekeeperError(
    "LANE_FULL",
    `${sessionKey} has ${waiting} waiting ${type}s, as many as ${option} allows. Send it later, clear the session, or raise ${option}.`,
    details,
  );
}

/** The error for whatever is asked of a keeper whose store was taken away (B59). */
export function notItsStore(cause: LanekeeperError): LanekeeperError {
  return new LanekeeperError(
    "STORE_IN_USE",
    "The store was closed under this keeper, and is another keeper's now, or nobody's. This keeper has stopped its turns and closes itself; what it had accepted is in the store. Create a keeper on that store, or use the one that has it.",
    {},
    { cause },
  );
}

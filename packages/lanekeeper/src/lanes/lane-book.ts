import * as v from "valibot";
import type { Capacity } from "../keeper/capacity-options.ts";
import { containRejection } from "../keeper/errors.ts";
import { check } from "../keeper/validation.ts";
import type { Journal } from "../seeing/journal.ts";
import type { MailboxLimits } from "../store/store.ts";
import { completeLaneOptions, type LaneOptions, laneSchema, type LaneSettings } from "./lane-options.ts";
import { summarizeBody, toLine } from "./summary-line.ts";

/**
 * The settings of each session's lane.
 *
 * I1. A `laneFor` or `summarize` that throws, or gives what is invalid, is logged and changes nothing (B5).
 */
export interface LaneBook {
  /** The settings of a session, looked up now: its lane keeps what it was started with. */
  lookUp(sessionKey: string): LaneOptions;
  /** What a mailbox with these settings takes. */
  limitsOf(options: LaneOptions): MailboxLimits;
}

const givenSchema = v.optional(laneSchema);

/** Creates the book of a keeper. */
export function createLaneBook(
  host: {
    readonly lane: LaneOptions;
    readonly laneSettings: LaneSettings;
    readonly laneFor: ((sessionKey: string) => unknown) | undefined;
  },
  capacity: Pick<Capacity, "waiting">,
  journal: Pick<Journal, "callbackFailed">,
): LaneBook {
  const { lane, laneSettings, laneFor } = host;
  const limits = new WeakMap<LaneOptions, MailboxLimits>();
  const summarize = (options: LaneOptions, body: unknown): string => {
    try {
      const line: unknown = options.summarize(body);
      if (typeof line === "string") return toLine(line);
      containRejection(line, (error) => journal.callbackFailed("summarize", error, "rejected"));
      const fault = new TypeError("summarize gave no text.");
      journal.callbackFailed("summarize", fault, "gave an invalid value");
    } catch (error) {
      journal.callbackFailed("summarize", error);
    }
    try {
      return toLine(summarizeBody(body));
    } catch {
      return "a message that cannot be summarised";
    }
  };
  return {
    lookUp(sessionKey) {
      if (laneFor === undefined) return lane;
      let settings: unknown;
      try {
        settings = laneFor(sessionKey);
      } catch (error) {
        journal.callbackFailed("laneFor", error);
        return lane;
      }
      try {
        containRejection(settings, (error) => journal.callbackFailed("laneFor", error, "rejected"));
        const given = check("laneFor", givenSchema, settings);
        return given === undefined ? lane : completeLaneOptions(merge(laneSettings, given), "laneFor");
      } catch (error) {
        journal.callbackFailed("laneFor", error, "gave an invalid value");
        return lane;
      }
    },
    limitsOf(options) {
      let known = limits.get(options);
      if (known === undefined) {
        const { cap, eventCap, overflow, dedupeMs } = options;
        known = {
          cap,
          eventCap,
          overflow,
          dedupeMs,
          summarize: ({ body }) => summarize(options, body),
          get backlog() {
            return capacity.waiting;
          },
        };
        limits.set(options, known);
      }
      return known;
    },
  };
}

/** Settings with others on top; what those leave out stays. */
function merge(settings: LaneSettings, top: LaneSettings): LaneSettings {
  const given = Object.entries(top).filter(([, value]) => value !== undefined);
  const retry = Object.entries(top.retry ?? {}).filter(([, value]) => value !== undefined);
  return {
    ...settings,
    ...Object.fromEntries(given),
    retry: { ...settings.retry, ...Object.fromEntries(retry) },
  };
}

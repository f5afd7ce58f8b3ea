import { LanekeeperError } from "lanekeeper";

/** Bodies as JSON; that asked for last is at hand, so that a step that checks one first makes its text once. */
export interface BodyText {
  /** A body as JSON; null where there is none. Throws `INVALID_MESSAGE` where JSON cannot say it. */
  of(body: unknown): string | null;
  /** Forgets the last one: its owner may change it now. */
  clear(): void;
}

/** No body yet. */
export function createBodyText(): BodyText {
  let last: { readonly body: unknown; readonly text: string | null } | undefined;
  return {
    of(body) {
      if (last === undefined || last.body !== body) last = { body, text: encode(body) };
      return last.text;
    },
    clear() {
      last = undefined;
    },
  };
}

function encode(body: unknown): string | null {
  try {
    // What JSON does not know at all, such as a function, is as good as no body.
    const text: string | undefined = JSON.stringify(body);
    return text ?? null;
  } catch (error) {
    throw new LanekeeperError(
      "INVALID_MESSAGE",
      "This body cannot be kept as JSON (see the cause). Nothing was accepted. Send text, numbers, lists or plain objects; or keep it elsewhere and send its path or URL.",
      {},
      { cause: error },
    );
  }
}

import { type CallbackFault, containRejection } from "./errors.ts";
import { invalidOption } from "./option-faults.ts";
import { nameFault } from "./session-key.ts";

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * Makes ids that are unique and sort by time: nine characters of time, four of a counter within the millisecond, ten of
 * this maker alone.
 */
export function createIdMaker(now: () => number, random: () => number): () => string {
  let suffix = "";
  for (let index = 0; index < 10; index++) suffix += alphabet[Math.floor(random() * alphabet.length)] ?? "0";
  let lastMs = -1;
  let prefix = "";
  let counter = 0;
  return () => {
    const ms = Math.floor(now());
    if (ms > lastMs) {
      lastMs = ms;
      prefix = ms.toString(36).padStart(9, "0");
      counter = 0;
    }
    return prefix + (counter++).toString(36).padStart(4, "0") + suffix;
  };
}

/**
 * The host's ids for what the runtime names; spare ones where it gives none, so that no lane depends on it (B5). `failed` is
 * told of each that it did not give.
 */
export function containIds(
  { createId, spareId }: { readonly createId: () => string; readonly spareId: () => string },
  failed: (error: unknown, did: CallbackFault) => void,
): () => string {
  return () => {
    try {
      const id: unknown = createId();
      if (nameFault(id) === undefined) return id as string;
      containRejection(id, (error) => failed(error, "rejected"));
      failed(invalidId(id), "gave an invalid value");
    } catch (error) {
      failed(error, "threw");
    }
    return spareId();
  };
}

/** The error for a `createId` that threw or made no id. */
export const invalidId = (got: unknown): Error =>
  invalidOption("createId", got, "a function that makes trimmed texts of 1 to 512 UTF-16 units");

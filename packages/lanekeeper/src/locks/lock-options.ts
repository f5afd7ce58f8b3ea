import { createTerms, findBrokenInequality, type LockTerms } from "@lanekeeper/machines";
import { LanekeeperError } from "../keeper/errors.ts";
import {
  callback,
  check,
  duration,
  members,
  optional,
  port,
  properName,
  text,
} from "../keeper/validation.ts";
import type { LockOptions } from "./lock.ts";

/** The options of an acquisition, checked and completed. */
export interface LockRequest {
  readonly name: string;
  readonly terms: LockTerms;
  readonly signal: AbortSignal | undefined;
  readonly label: string | undefined;
}

const lockSchema = members({
  ttlMs: optional(duration(1)),
  renewEveryMs: optional(duration(1)),
  waitMs: optional(duration()),
  signal: optional(port<AbortSignal>("AbortSignal", ["addEventListener", "removeEventListener"])),
  label: optional(text(1)),
});

/** Checks what is to be done under a lock. Throws `INVALID_OPTION`. */
export const checkWork = (work: unknown): unknown => check("work", callback(), work);
/** Checks what a lock is asked for with. Throws `INVALID_OPTION`. */
export function checkLock(name: unknown, options: LockOptions = {}): LockRequest {
  const checked = check("name", properName, name);
  const { signal, label, ...asked } = check("lock", lockSchema, options);
  const terms = createTerms(asked);
  const broken = findBrokenInequality(terms);
  if (broken !== undefined) {
    throw new LanekeeperError(
      "INVALID_OPTION",
      `lock must keep ${broken}: belief in the lease ends marginMs (a tenth of ttlMs, at least 20) before it can expire, and a renewal is due as long before that, so that it can be answered. Choose a larger ttlMs or a smaller renewEveryMs.`,
      { option: "lock", got: asked, takes: broken },
    );
  }
  return { name: checked, terms, signal, label };
}

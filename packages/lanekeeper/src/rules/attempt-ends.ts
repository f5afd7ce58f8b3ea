import { expect } from "vitest";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";

/** What a turn does. */
export const deeds = [
  "completes",
  "fails",
  "gives up",
  "hangs",
  "rejects when told",
  "replies when told",
  "is aborted",
  "is aborted in its grace",
] as const;
/** One of them, or what else may end a turn. */
export type Deed = (typeof deeds)[number] | "is interrupted" | "is reset";

/** How a turn that did so ended, for the work it held. */
const endOf = {
  completes: "completed",
  fails: "failed",
  "gives up": "failed",
  hangs: "reclaimed",
  "rejects when told": "reclaimed",
  "replies when told": "completed",
  "is aborted": "aborted",
  "is aborted in its grace": "aborted",
  "is interrupted": "interrupted",
  "is reset": "reset",
} as const satisfies Record<Deed, string>;

/** One turn that ran. */
export interface Ran {
  readonly turn: Turn;
  readonly deed: Deed;
}
/** Work that was accepted. */
export interface Accepted {
  readonly type: "message" | "event";
  readonly receipt: Receipt;
}
/** How often work is tried. */
export interface Bounds {
  readonly attempts: number;
  readonly maxReclaims: number;
}

/** What is to become of one item, by the turns that held it: the rules of B30, B31 and B31a, read aloud. */
export function expectedEnd(
  { type, receipt: { id } }: Accepted,
  ran: readonly Ran[],
  { attempts, maxReclaims }: Bounds,
): { readonly outcome: unknown; readonly letter: unknown; readonly attempts: readonly number[] } {
  const holding = ran.filter(({ turn }) => [...turn.messages, ...turn.events].some((item) => item.id === id));
  const counts: number[] = [];
  let failures = 0;
  let reclaims = 0;
  for (const { turn, deed } of holding) {
    const { id: turnId } = turn;
    const end = endOf[deed];
    const count = failures + reclaims + 1;
    counts.push(count);
    const isOver = (outcome: unknown, reason?: string): ReturnType<typeof expectedEnd> => {
      const letter = reason === undefined ? undefined : { reason, attempts: count, id };
      return { outcome, letter, attempts: counts };
    };
    const deadLetterId = expect.any(String) as string;
    const error = expect.objectContaining({ message: `failed ${turnId}` }) as Error;
    const failed = { status: "failed", turnId, attempts: count, error, deadLetterId };
    const reclaimed = { status: "reclaimed", turnId, reason: "stalled", deadLetterId };
    if (end === "completed") return isOver({ status: "completed", turnId, reply: turnId, attempts: count });
    if (end === "interrupted" || end === "reset") {
      if (type === "message") return isOver({ status: "cancelled", reason: end });
      continue;
    }
    const isForGood = deed === "gives up" && (type === "message" || turn.cause !== "message");
    if (type === "message" && end === "aborted") return isOver({ status: "cancelled", reason: "aborted" });
    if (type === "message" && end === "reclaimed") {
      if (reclaims >= maxReclaims) return isOver(reclaimed, "stalled");
      reclaims++;
      continue;
    }
    if (isForGood || failures + 1 >= attempts) {
      if (end === "failed") return isOver(failed, `failed ${turnId}`);
      return end === "reclaimed"
        ? isOver(reclaimed, "stalled")
        : isOver({ status: "cancelled", reason: "aborted" }, "aborted");
    }
    failures++;
  }
  throw new Error(`${type} ${id} has no end after ${holding.length} turns`);
}

/** The events that were in a message's last attempt though they had failed with it before (B31a). */
export function poisonInLastAttempts(ran: readonly Ran[], { attempts }: Bounds): readonly string[] {
  const failures = new Map<string, number>();
  const failedWith = new Map<string, Set<string>>();
  const found: string[] = [];
  for (const { turn, deed } of ran) {
    const [message] = turn.messages;
    if (message === undefined) continue;
    const before = failures.get(message.id) ?? 0;
    const poisonous = failedWith.get(message.id) ?? new Set();
    const isLast = before > 0 && before + 1 >= attempts;
    if (isLast) found.push(...turn.events.map(({ id }) => id).filter((id) => poisonous.has(id)));
    if (endOf[deed] !== "failed") continue;
    failures.set(message.id, before + 1);
    failedWith.set(message.id, new Set([...poisonous, ...turn.events.map(({ id }) => id)]));
  }
  return found;
}

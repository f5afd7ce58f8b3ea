import type { Runtime } from "../keeper/runtime.ts";
import type { Supervisor } from "./supervisor.ts";

/**
 * Sessions that are removed because nothing is left in them (B11).
 *
 * I1. The store decides what is left; what only this process knows (a lane that is not idle, a wake, a zombie) keeps a
 *     session as well.
 */
export interface Forgetting {
  /** Removes a session; false if something is left in it, or it is not known. Rejects with `STORE_UNAVAILABLE`. */
  forget(sessionKey: string): Promise<boolean>;
}

/** Creates the forgetting of a keeper. */
export function createForgetting(
  runtime: Runtime,
  supervisor: Pick<Supervisor, "forget" | "isRebuilding" | "startOf">,
): Forgetting {
  const { lanes, wakes, zombies, journal, settings, passages } = runtime;
  const isKept = (sessionKey: string): boolean => {
    const lane = lanes.get(sessionKey);
    if (lane !== undefined && lane.snapshot.leaf.state !== "idle") return true;
    if (supervisor.isRebuilding(sessionKey) || supervisor.startOf(sessionKey) !== undefined) return true;
    return wakes.has(sessionKey) || zombies.of(sessionKey) > 0;
  };
  return {
    async forget(sessionKey) {
      if (isKept(sessionKey)) return false;
      const answer = runtime.request(() => runtime.mailboxes.forget(sessionKey));
      const isForgotten = answer instanceof Promise ? await passages.through(answer) : answer;
      if (!isForgotten) return false;
      // What came meanwhile has begun the session anew, and its lane knows of it.
      if (!isKept(sessionKey)) supervisor.forget(sessionKey);
      if (journal.isObserved) {
        journal.emit({ type: "session.forgotten", at: settings.clock.now(), sessionKey });
      }
      return true;
    },
  };
}

import type { Runtime } from "../keeper/runtime.ts";
import { createNewestAnswers } from "../store/newest-answers.ts";

/**
 * Who is paused (B59a). The store keeps it; this is the copy that lanes start from.
 *
 * I1. The global pause and those of sessions are independent.
 * I2. What was asked for last counts, in whichever order the store answers.
 */
export interface Pauses {
  readonly isKeeperPaused: boolean;
  isSessionPaused(sessionKey: string): boolean;
  /** Pauses or resumes a session, or with no key the whole keeper. */
  set(sessionKey: string | undefined, isPaused: boolean): Promise<void>;
}

/** Creates the pauses of a keeper from what its store says. */
export function createPauses(
  runtime: Runtime,
  recorded: { readonly keeper: boolean; readonly sessions: readonly string[] },
): Pauses {
  const { journal, settings, lanes, passages } = runtime;
  const sessions = new Set(recorded.sessions);
  let isKeeperPaused = recorded.keeper;
  const newest = createNewestAnswers<string | undefined>(passages.through);
  return {
    get isKeeperPaused() {
      return isKeeperPaused;
    },
    isSessionPaused: (sessionKey) => sessions.has(sessionKey),
    async set(sessionKey, paused) {
      const isNewest = await passages.through(
        newest.ask(sessionKey, () => runtime.request(() => runtime.mailboxes.pause(sessionKey, paused))),
      );
      if (!isNewest) return;
      const isSame = paused === (sessionKey === undefined ? isKeeperPaused : sessions.has(sessionKey));
      if (isSame) return;
      const at = settings.clock.now();
      const type = paused ? "session.paused" : "session.resumed";
      if (sessionKey === undefined) {
        isKeeperPaused = paused;
        for (const lane of lanes.values())
          runtime.tell(lane, { type: "pause.changed", scope: "keeper", paused });
        if (journal.isObserved) journal.emit({ type, at });
        return;
      }
      if (paused) sessions.add(sessionKey);
      else sessions.delete(sessionKey);
      const lane = lanes.get(sessionKey);
      if (lane !== undefined) runtime.tell(lane, { type: "pause.changed", scope: "session", paused });
      if (journal.isObserved) journal.emit({ type, at, sessionKey });
    },
  };
}

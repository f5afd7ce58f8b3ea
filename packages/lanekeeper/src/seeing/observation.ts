import type { Admission } from "../keeper/admission.ts";
import { attemptsOf } from "../store/attempts.ts";
import type { DeadLetter } from "../store/dead-letter.ts";
import type { EventLoopDelay } from "./event-loop-delay.ts";
import { explainSession } from "./explanation.ts";
import type { Health } from "./health.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { checkDeadLettersQuery, checkSessionsQuery } from "../keeper/call-options.ts";
import type { Pauses } from "../lanes/pauses.ts";
import type { Runtime } from "../keeper/runtime.ts";
import { assertSessionKey } from "../keeper/session-key.ts";
import { viewLane, viewRecord } from "./session-view.ts";
import type { Supervisor } from "../lanes/supervisor.ts";
import type { Explanation, SessionView, Stats } from "./views.ts";
import { looking } from "../store/store-requests.ts";

/** The calls that only look: they change nothing and start nothing. */
export type Observation = Pick<
  Lanekeeper,
  "stats" | "session" | "sessions" | "mailbox" | "explain" | "deadLetters"
>;

/** What there is to look at. */
export interface Observed {
  readonly runtime: Runtime;
  readonly supervisor: Supervisor;
  readonly admission: Admission;
  readonly pauses: Pauses;
  readonly health: Health;
  readonly eventLoop: EventLoopDelay;
  readonly agentOf: (sessionKey: string) => string;
}

/** Sessions or dead letters of one page, by default. */
const pageSize = 100;

/** Creates the calls that look at a keeper. */
export function createObservation(parts: Observed): Observation {
  const isPaused = (sessionKey: string): boolean =>
    parts.pauses.isKeeperPaused || parts.pauses.isSessionPaused(sessionKey);
  return {
    stats(): Stats {
      const { runtime, supervisor, health, eventLoop } = parts;
      const { stalled, completed, failed, reclaimed } = runtime.counters;
      return {
        health: health.current,
        known: runtime.mailboxes.known,
        live: supervisor.lanes.size,
        running: runtime.dispatcher.held,
        waiting: runtime.mailboxes.backlog,
        stalled,
        reclaimed,
        zombies: runtime.zombies.count,
        capacity: runtime.dispatcher.turns,
        locks: runtime.locks.holders.owned,
        eventLoopDelayMs: eventLoop.meanMs,
        completed,
        failed,
      };
    },

    session(sessionKey: string): SessionView | undefined {
      assertSessionKey(sessionKey);
      const { supervisor, runtime } = parts;
      const lane = supervisor.lanes.get(sessionKey);
      return lane === undefined ? undefined : viewLane(lane, runtime, isPaused(sessionKey));
    },

    async sessions(query?: Parameters<Lanekeeper["sessions"]>[0]): ReturnType<Lanekeeper["sessions"]> {
      const { state, prefix, limit, after } = checkSessionsQuery(query);
      const { admission, runtime, supervisor, agentOf } = parts;
      admission.assertOpen();
      const found: SessionView[] = [];
      const wanted = limit ?? pageSize;
      let from = after;
      for (;;) {
        const asked = { prefix: prefix ?? "", after: from, limit: wanted };
        const page = await runtime.passages.through(
          runtime.request(() => runtime.mailboxes.page(asked), looking),
        );
        for (const record of page.sessions) {
          const { sessionKey } = record;
          const lane = supervisor.lanes.get(sessionKey);
          const isHeld = isPaused(sessionKey);
          const view =
            lane !== undefined
              ? viewLane(lane, runtime, isHeld)
              : viewRecord(record, {
                  agent: agentOf(sessionKey),
                  zombies: runtime.zombies.of(sessionKey),
                  isRebuilding: supervisor.isRebuilding(sessionKey),
                  isPaused: isHeld,
                });
          if (state !== undefined && view.state !== state) continue;
          found.push(view);
          const isLast = sessionKey === page.sessions.at(-1)?.sessionKey && page.next === undefined;
          if (found.length === wanted)
            return isLast ? { sessions: found } : { sessions: found, next: sessionKey };
        }
        if (page.next === undefined) return { sessions: found };
        from = page.next;
      }
    },

    async mailbox(sessionKey: string): ReturnType<Lanekeeper["mailbox"]> {
      assertSessionKey(sessionKey);
      const { admission, runtime } = parts;
      admission.assertOpen();
      const items = await runtime.request(() => runtime.mailboxes.unfinished(sessionKey), looking);
      return items.map((item) => ({
        id: item.id,
        type: item.type,
        acceptedAt: item.acceptedAt,
        attempts: attemptsOf(item),
      }));
    },

    explain(sessionKey: string): Explanation {
      assertSessionKey(sessionKey);
      const { runtime, supervisor, pauses } = parts;
      return explainSession(sessionKey, {
        runtime,
        keeper: supervisor.state,
        isKeeperPaused: pauses.isKeeperPaused,
        isSessionPaused: pauses.isSessionPaused(sessionKey),
        isRebuilding: supervisor.isRebuilding(sessionKey),
        coming: supervisor.startOf(sessionKey),
        lane: supervisor.lanes.get(sessionKey),
      });
    },

    async deadLetters(query?: Parameters<Lanekeeper["deadLetters"]>[0]): Promise<DeadLetter[]> {
      const { sessionKey, limit } = checkDeadLettersQuery(query);
      if (sessionKey !== undefined) assertSessionKey(sessionKey);
      const { admission, runtime } = parts;
      admission.assertOpen();
      const asked = { sessionKey, limit: limit ?? pageSize };
      return [...(await runtime.request(() => runtime.mailboxes.deadLetters(asked), looking))];
    },
  };
}

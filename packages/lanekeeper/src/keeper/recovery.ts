import type { Executions } from "../commands/executions.ts";
import type { AbandonedTurn, SessionPage, SessionRecord } from "../store/store.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import { tellDeadLetters, toEvent } from "../seeing/dead-letter-events.ts";
import { judge } from "../turns/verdict.ts";
import type { Runtime } from "./runtime.ts";
import type { Supervisor } from "../lanes/supervisor.ts";
import { looking } from "../store/store-requests.ts";

/** Records of one page. */
const pageSize = 500;

/**
 * Goes on with what an earlier keeper left in the store, and says what it has given up on the way: nobody could subscribe
 * yet. A store that fails while it is read rejects, and no lane was started.
 *
 * I1. A turn that was running when its keeper died counts as crashed, and is settled before its session starts another (B30).
 * I2. A command that ran is lost; an announced one is waited for until its time is over (B37).
 * I3. Completions that it held back may be held anywhere: they are released when their spacing is over (B39).
 * I4. Nothing starts before all has been read and the host has its keeper; then the lanes of all sessions with work start by
 *     what was read, in the store's order of their keys, and the first turns run before the last lanes have.
 * I5. Sessions without work are not read: their number costs nothing.
 */
export async function recover(
  runtime: Runtime,
  supervisor: Pick<Supervisor, "coming">,
  executions: Pick<Executions, "takeOver">,
): Promise<readonly LanekeeperEvent[]> {
  const { mailboxes } = runtime;
  const { through } = runtime.passages;
  const turns = await through(runtime.request(() => mailboxes.abandonedTurns(), looking));
  // Together, so that one sync of the disk does for all.
  const crashed = await through(Promise.all(turns.map((turn) => settleCrashed(runtime, turn))));
  const happened = crashed.flat();
  const commands = await through(runtime.request(() => mailboxes.openExecutions(), looking));
  happened.push(...(await through(dropExpired(runtime))));
  const waiting = await through(findWaiting(runtime));
  await through(executions.takeOver(commands));
  supervisor.coming.add(waiting);
  return happened;
}

async function settleCrashed(runtime: Runtime, turn: AbandonedTurn): Promise<readonly LanekeeperEvent[]> {
  const { sessionKey, turnId, fencingToken, items } = turn;
  const { clock, random, createId } = runtime.settings;
  const options = runtime.laneOptionsOf(sessionKey);
  const cause = items.some(({ type }) => type === "message") ? "message" : "event";
  const verdict = judge(
    { turnId, cause, items, conclusion: "crashed", abort: null, reply: undefined, error: undefined },
    { settings: options, now: clock.now(), random, createId },
  );
  const result = await runtime.passages.through(
    runtime.request(() =>
      runtime.mailboxes.settleTurn({
        sessionKey,
        turnId,
        fencingToken,
        dispositions: verdict.dispositions,
        dedupeMs: options.dedupeMs,
        steering: verdict.steering,
        hasToldDropped: false,
      }),
    ),
  );
  if (result.status !== "settled") return [];
  tellDeadLetters(runtime.journal, result.deadLetters);
  return result.deadLetters.map(toEvent);
}

/** Drops what expired while no keeper had the store: nothing may start on it (B22). */
async function dropExpired(runtime: Runtime): Promise<readonly LanekeeperEvent[]> {
  const { mailboxes, settings } = runtime;
  const { through } = runtime.passages;
  const happened: LanekeeperEvent[] = [];
  for (let after: string | undefined; ;) {
    const page = await through(readPage(runtime, "expiring", after));
    for (const { sessionKey } of page.sessions) {
      const now = settings.clock.now();
      const items = await through(runtime.request(() => mailboxes.waiting(sessionKey), looking));
      const seqs = items
        .filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now)
        .map(({ seq }) => seq);
      const outcome = { status: "dropped", reason: "expired" } as const;
      const request = { sessionKey, seqs, events: false, isFresh: true, outcome };
      for (const { id } of await through(runtime.withdrawals.withdraw(request))) {
        happened.push({ type: "message.dropped", at: now, sessionKey, id, reason: "expired" });
      }
    }
    if (page.next === undefined) return happened;
    after = page.next;
  }
}

async function findWaiting(runtime: Runtime): Promise<readonly SessionRecord[]> {
  const waiting: SessionRecord[] = [];
  const { through } = runtime.passages;
  for (let after: string | undefined; ;) {
    const page = await through(readPage(runtime, "items", after));
    for (const record of page.sessions) {
      const { sessionKey, mailbox } = record;
      if (mailbox.quiet > 0) runtime.heartbeats.spacing.recovered(sessionKey);
      if (mailbox.messages + mailbox.events > 0) waiting.push(record);
    }
    if (page.next === undefined) return waiting;
    after = page.next;
  }
}

/** Sessions of the store in which something waits, or something that may expire. */
function readPage(
  runtime: Runtime,
  holding: "items" | "expiring",
  after: string | undefined,
): SessionPage | Promise<SessionPage> {
  return runtime.request(
    () => runtime.mailboxes.page({ prefix: "", after, limit: pageSize, holding }),
    looking,
  );
}

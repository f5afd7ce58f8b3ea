import type { ModelWorld } from "./model-world.ts";
import type { ReferenceModel } from "./reference-model.ts";

/** What can be seen of a keeper between two commands. */
export interface Observation {
  readonly running: number;
  readonly sessions: Readonly<Record<string, unknown>>;
  readonly turns: readonly unknown[];
  readonly outcomes: Readonly<Record<string, string>>;
  readonly letters: readonly string[];
}

/** What a keeper lets see. */
export async function observeWorld(
  { keeper, codes, outcomes, time, nameOf }: ModelWorld,
  keys: readonly string[],
): Promise<Observation> {
  const mailboxes = Promise.all(keys.map((key) => keeper.mailbox(key)));
  const letters = keeper.deadLetters({ limit: 1_000 });
  await time.advance(0);
  const items = await mailboxes;
  return {
    running: keeper.stats().running,
    sessions: Object.fromEntries(
      keys.map((key, index) => {
        const view = keeper.session(key);
        const { blockedBy, facts } = keeper.explain(key);
        return [
          key,
          {
            blockedBy,
            isStalled: view?.state === "stalled",
            zombies: facts["zombies"],
            mailbox: items[index]!.map(({ id, attempts }) => `${nameOf(id)} ${attempts}`),
          },
        ];
      }),
    ),
    turns: codes.map(({ turn }) => ({
      session: turn.sessionKey,
      cause: turn.cause,
      attempt: turn.attempt,
      reasons: turn.reasons,
      messages: turn.messages.map(({ id }) => nameOf(id)),
      events: turn.events.map(({ id }) => nameOf(id)),
      dropped: turn.dropped ?? { count: 0, summary: [] },
      isAborted: turn.signal.aborted,
    })),
    outcomes: Object.fromEntries([...outcomes].toSorted(byName)),
    letters: (await letters).map(({ items: [item] }) => nameOf(item!.id)).toSorted(),
  };
}

/** What the rules say that it lets see. */
export function observeModel(model: ReferenceModel, keys: readonly string[]): Observation {
  const received = model.items.filter(({ input }) => input.type !== "completion");
  const latest = new Map(received.map((item) => [`${item.input.session} ${item.id}`, item]));
  return {
    running: model.capacity.held.length,
    sessions: Object.fromEntries(
      keys.map((key) => {
        const session = model.session(key);
        const { turn, waiting } = session;
        const held = turn === undefined || turn.isDecided ? [] : turn.held;
        const all = [...held, ...waiting].toSorted((a, b) => a.seq - b.seq);
        const isStalled = turn !== undefined && model.isStalled(turn);
        const blockedBy = model.blockedBy(session);
        return [
          key,
          {
            blockedBy,
            isStalled,
            zombies: model.zombies(session),
            mailbox: all.map(({ id, attempts }) => `${id} ${attempts}`),
          },
        ];
      }),
    ),
    turns: model.codes.map((turn) => ({
      session: turn.session.key,
      cause: turn.cause,
      attempt: turn.attempt,
      reasons: turn.reasons,
      messages: turn.opened.filter(({ isMessage }) => isMessage).map(({ id }) => id),
      events: turn.opened.filter(({ isMessage }) => !isMessage).map(({ id }) => id),
      dropped: { count: turn.dropped.length, summary: turn.dropped.slice(-model.settings.lane.cap) },
      isAborted: turn.abort !== undefined,
    })),
    outcomes: Object.fromEntries(
      [...latest]
        .flatMap(([name, { outcome }]) => (outcome === undefined ? [] : [[name, outcome] as const]))
        .toSorted(byName),
    ),
    letters: model.letters.map(({ id }) => id).toSorted(),
  };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

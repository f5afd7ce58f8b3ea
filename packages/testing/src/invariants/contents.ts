import { type CallStory, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { ItemStory } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import type { Step } from "./step.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/**
 * What senders and turns said to each other (B8, B28).
 *
 * I1. Of an object nothing is concluded but that it is one: whoever holds it may change it.
 */
export const contentInvariants: readonly Invariant[] = [
  invariant("B8", "A message is shown to its turn as it was sent.", function* (view) {
    const sends = readSends(view);
    for (const item of view.items) yield* garbled(view, item, sends);
  }),
  invariant("B28", "The reply that is told is the one that the turn's code returned.", function* (view) {
    const turns = turnsById(view);
    for (const life of view.lives) yield* misquoted(life, turns);
  }),
];

/** Whether two values differ for certain, of which the first was before the second. */
function differs(said: unknown, told: unknown): boolean {
  const [one, two] = [kindOf(said), kindOf(told)];
  if (one === "value" && told === undefined) return true;
  if (one === undefined || two === undefined) return false;
  return one !== two || (one === "value" && said !== told);
}

/** What JSON has values, lists and objects for; undefined: it stands for something else, or JSON would change it. */
function kindOf(value: unknown): "value" | "list" | "object" | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value))
    return "value";
  if (Array.isArray(value)) return "list";
  if (typeof value !== "object") return undefined;
  return Object.getPrototypeOf(value) === Object.prototype ? "object" : undefined;
}

/** A message that was shown with another body than any send of its id had. */
function* garbled(view: RecordingView, item: ItemStory, sends: Sends): Iterable<Breach> {
  const { sessionKey, id, call, accepted, isRedriven, held, takenBy } = item;
  // What was accepted before the recording began may be sent again, with whatever body.
  if (call?.method !== "send" || accepted === undefined || isRedriven || view.hasLostRedrives) return;
  const sent = bodiesOf(sends, sessionKey, id);
  if (sent === undefined) return;
  for (const { turn, step, body } of shownIn([...held, ...takenBy], item)) {
    if (turn.life.hidesContents || !sent.every((said) => differs(said, body))) continue;
    yield {
      step,
      sessionKey,
      sentence: `${id} of ${sessionKey} was shown to turn ${turn.id} with another body than it was sent with at ${call.step.at} ms.`,
    };
  }
}

/** The bodies with which an id was sent; undefined where not all of them are known. */
function bodiesOf(sends: Sends, sessionKey: string, id: string): readonly unknown[] | undefined {
  // Which id a send without one was given is known by its answer alone.
  const its = (sends.get(sessionKey) ?? []).filter((one) => (idOf(one) ?? id) === id);
  if (its.some((one) => one.life.hidesContents || idOf(one) === undefined)) return undefined;
  return its.map(({ args: [, body] }) => body);
}

/** What was sent to each session. */
type Sends = ReadonlyMap<string, readonly CallStory[]>;

function readSends({ lives }: RecordingView): Sends {
  return Map.groupBy(
    lives
      .flatMap((life) => life.callsOf("send"))
      .filter(({ refusal }) => refusal === undefined || refusal.entry.code === "STORE_UNAVAILABLE"),
    ({ args: [sessionKey] }) => String(sessionKey),
  );
}

function idOf({ answer, args }: CallStory): unknown {
  return member(answer?.entry.value, "id") ?? member(args[2], "id");
}

/** The bodies with which an item was shown to turns. */
function* shownIn(
  turns: readonly TurnStory[],
  { id }: ItemStory,
): Iterable<{ readonly turn: TurnStory; readonly step: Step; readonly body: unknown }> {
  for (const turn of new Set(turns)) {
    for (const message of turn.called?.entry.messages ?? [])
      if (message.id === id) yield { turn, step: startOf(turn), body: message.body };
    for (const step of turn.did) {
      const { what, got } = step.entry;
      if (what !== "takeSteering" || !Array.isArray(got)) continue;
      for (const message of got as unknown[])
        if (member(message, "id") === id) yield { turn, step, body: member(message, "body") };
    }
  }
}

/** Turns by their ids; without those whose ids are not their own. */
function turnsById({ turns }: RecordingView): ReadonlyMap<string, TurnStory> {
  const byId = Map.groupBy(turns, ({ id }) => id);
  return new Map(turns.flatMap((turn) => (byId.get(turn.id)!.length > 1 ? [] : [[turn.id, turn]])));
}

function* misquoted(life: LifeView, turns: ReadonlyMap<string, TurnStory>): Iterable<Breach> {
  if (life.life.hidesContents) return;
  const turnOf = new Map<number, TurnStory>();
  for (const step of life.steps) {
    const { entry } = step;
    if (entry.type === "outcome" && entry.outcome.status === "completed") {
      const turn = turns.get(entry.outcome.turnId);
      if (turn === undefined) continue;
      turnOf.set(entry.call, turn);
      const { reply } = entry.outcome;
      if (isOther(turn, reply) && (reply !== undefined || isLive(life, entry.call, turn)))
        yield {
          step,
          sessionKey: entry.sessionKey,
          sentence: `The outcome of ${entry.id} of ${entry.sessionKey} has another reply than turn ${turn.id} returned at ${turn.ended!.at} ms.`,
        };
    }
  }
  for (const { on, answer } of life.callsOf("receipt.reply")) {
    const turn = on && turnOf.get(on.call);
    if (turn === undefined || answer === undefined || !isOther(turn, answer.entry.value)) continue;
    if (answer.entry.value === undefined && !isLive(life, on!.call, turn)) continue;
    yield {
      step: answer,
      sessionKey: turn.sessionKey,
      sentence: `reply() gave another reply than turn ${turn.id} of ${turn.sessionKey} returned at ${turn.ended!.at} ms.`,
    };
  }
}

/** Whether what was told as the reply of a turn is something else than what its code returned. */
function isOther({ ended, life }: TurnStory, told: unknown): boolean {
  if (ended?.entry.type !== "turn.returned" || life.hidesContents) return false;
  return differs(ended.entry.reply, told);
}

/** Whether a receipt has its reply from the turn itself: a store may have no room for it, and keep that there is none (B57). */
function isLive({ life, calls }: LifeView, call: number, { ended, life: its }: TurnStory): boolean {
  const given = calls.get(call)?.answer;
  return its === life && given !== undefined && given.order < ended!.order && life.storeFailures.length === 0;
}

import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { RecordingView } from "./recording-view.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** What a turn shows to others so that they refuse what an earlier one still writes (B11). */
export const turnTokenInvariants: readonly Invariant[] = [
  invariant(
    "B11",
    "The fencing tokens of a session's turns grow, and each turn is told of with its own.",
    function* (view) {
      for (const sessionKey of view.sessions) yield* tokens(view, sessionKey);
    },
  ),
];

function* tokens(view: RecordingView, sessionKey: string): Iterable<Breach> {
  let last: { readonly turn: TurnStory; readonly token: bigint } | undefined;
  for (const turn of view.turnsOf(sessionKey)) {
    const told = turn.started?.event.fencingToken;
    const shown = shownTo(turn);
    if (told !== undefined && shown !== undefined && told !== shown)
      yield {
        step: turn.called!,
        sessionKey,
        sentence: `Turn ${turn.id} of ${sessionKey} has token ${shown}, and is told to have ${told}.`,
      };
    const token = shown ?? told;
    if (token === undefined) continue;
    if (last !== undefined && token <= last.token)
      yield {
        step: startOf(turn),
        sessionKey,
        sentence: `Turn ${turn.id} of ${sessionKey} has token ${token}, and turn ${last.turn.id} before it had ${last.token}.`,
      };
    last = { turn, token };
  }
}

/** The token that its code had; undefined where it was not called, or had none that can be read. */
function shownTo({ called }: TurnStory): bigint | undefined {
  const text = called?.entry.fencingToken ?? "";
  return /^\d+$/.test(text) ? BigInt(text) : undefined;
}

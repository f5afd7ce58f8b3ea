import { type CallStory, endOf, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { isCurrentAt } from "./turn-story.ts";

/** Messages that are not to wait (B21). */
export const rejectingInvariants: readonly Invariant[] = [
  invariant("B21", "A message in mode reject is refused while its session's turn runs.", function* (view) {
    for (const life of view.lives) for (const call of life.callsOf("send")) yield* admitted(view, life, call);
  }),
  invariant(
    "B21",
    "A message is refused as LANE_BUSY only in mode reject, by a lane that is not idle.",
    function* ({ lives }) {
      for (const life of lives) for (const call of life.callsOf("send")) yield* turnedAway(life, call);
    },
  ),
];

function modeOfCall(life: LifeView, { args }: CallStory): unknown {
  const given = member(args[2], "mode");
  return given ?? (typeof args[0] === "string" ? life.laneOf(args[0]).mode : undefined);
}

function* admitted(view: RecordingView, life: LifeView, call: CallStory): Iterable<Breach> {
  const item = view.itemOf(call);
  if (
    call.answer === undefined ||
    item?.call !== call ||
    item.isTangled ||
    modeOfCall(life, call) !== "reject"
  )
    return;
  const { sessionKey, id } = item;
  const turn = life.lastTurnOf(sessionKey, call.step.order);
  // A heartbeat that gives way keeps no message out.
  if (turn === undefined || turn.cause === "heartbeat" || !isCurrentAt(turn, call.step.order)) return;
  yield {
    step: call.answer,
    sessionKey,
    sentence: `${id} was sent in mode reject while turn ${turn.id} of ${sessionKey} ran, and was accepted.`,
  };
}

function* turnedAway(life: LifeView, call: CallStory): Iterable<Breach> {
  const { refusal, step } = call;
  const [sessionKey] = call.args;
  if (refusal?.entry.code !== "LANE_BUSY" || typeof sessionKey !== "string") return;
  if (modeOfCall(life, call) !== "reject")
    yield {
      step: refusal,
      sessionKey,
      sentence: `A message for ${sessionKey} was refused as LANE_BUSY, and its mode is not reject.`,
    };
  const stay = life.stayAt(sessionKey, step);
  if (stay?.state !== "idle" || isStirred(life, sessionKey, stay.from.step.index, refusal.index, call))
    return;
  yield {
    step: refusal,
    sessionKey,
    sentence: `A message for ${sessionKey} was refused as LANE_BUSY, and its lane has been idle since ${stay.from.step.at} ms.`,
  };
}

/** Whether anything concerned a session between two entries, but a call and its refusal. */
function isStirred(life: LifeView, sessionKey: string, from: number, to: number, call: CallStory): boolean {
  if (life.life.options.heartbeats.some((heartbeat) => heartbeat.sessionKey === sessionKey)) return true;
  for (let index = from + 1; index < to; index++) {
    const { entry } = life.steps[index]!;
    if (entry.type === "call" && entry.call !== call.call && entry.args[0] === sessionKey) return true;
    if (entry.type === "event" && "sessionKey" in entry.event && entry.event.sessionKey === sessionKey) {
      if (entry.event.type !== "message.refused") return true;
    }
  }
  // What was asked for before may still be on its way.
  return [...life.calls.values()].some(
    (other) =>
      other !== call &&
      other.step.index < from &&
      (endOf(other)?.index ?? Infinity) > from &&
      (other.args[0] === sessionKey || other.method === "redrive" || other.method === "reportExec"),
  );
}

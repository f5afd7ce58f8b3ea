import type { Outcome } from "lanekeeper";
import type { CallStory } from "./call-story.ts";
import type { Life } from "./life.ts";
import type { Step, StepOf, Told } from "./step.ts";
import type { TurnStory } from "./turn-story.ts";

/** One message or event, from its acceptance to its end. The same id accepted again is another. */
export interface ItemStory {
  readonly sessionKey: string;
  readonly id: string;
  /** In which recording it was seen first. */
  readonly life: Life;
  /** Whether it is a command's completion: those are known by `execId`, apart from the other ids (B23). */
  readonly isCompletion: boolean;
  /** The call that brought it; undefined where the runtime brought it, or its acceptance was not seen. */
  call: CallStory | undefined;
  /** Its acceptance was told; undefined where the recording does not show it: then it may be older than the recording. */
  accepted: Told<"message.accepted"> | Told<"event.accepted"> | undefined;
  /** Whether it was put back from a dead letter. */
  isRedriven: boolean;
  /** Whether another of its name was on its way before all was told of it: nobody can tell which of them was meant. */
  isTangled: boolean;
  /** The turns that were opened with it, in order. */
  readonly held: TurnStory[];
  /** The turns that have taken it, in order. */
  readonly takenBy: TurnStory[];
  /** The turns that said to have completed with it. */
  readonly completed: Told<"turn.completed">[];
  /** Events that ended it otherwise. */
  readonly ends: ItemEnd[];
  readonly outcomes: StepOf<"outcome">[];
}

/** An event that ended an item without a turn, or with one that was aborted. */
export type ItemEnd =
  | Told<"message.cancelled">
  | Told<"event.cancelled">
  | Told<"message.dropped">
  | Told<"event.dropped">
  | Told<"event.replaced">;

/** Whether it is a message; undefined where nothing says so. */
export function isMessage(item: ItemStory): boolean | undefined {
  const { accepted, call, held, takenBy } = item;
  if (accepted !== undefined) return accepted.event.type === "message.accepted";
  if (call !== undefined && call.method !== "redrive") return call.method === "send";
  if (takenBy.length > 0) return true;
  return held[0]?.messages.includes(item);
}

/** The mode of a message, where its acceptance was seen. */
export function modeOf({ accepted }: ItemStory): string | undefined {
  return accepted?.event.type === "message.accepted" ? accepted.event.mode : undefined;
}

/** Whether it was accepted for the running turn to take (B19). */
export function isSteering({ accepted }: ItemStory): boolean {
  return accepted?.event.type === "message.accepted" && accepted.event.isSteering;
}

/** Whether it runs in its place: its acceptance was seen, it neither interrupts nor steers. */
export function isOrdinary(item: ItemStory): boolean {
  const mode = modeOf(item);
  return mode !== undefined && mode !== "interrupt" && !isSteering(item);
}

/**
 * Between which orders it was accepted. A message is in the store when `send` returns its promise; what is put back is at
 * some instant between the call and the event that tells of it.
 */
export function acceptanceOf({
  accepted,
  call,
  isRedriven,
}: ItemStory): { from: number; to: number } | undefined {
  const told = accepted?.step.order;
  if (call === undefined) return told === undefined ? undefined : { from: told, to: told };
  const asked = call.step.order;
  if (!isRedriven) return { from: asked, to: asked };
  return told === undefined ? undefined : { from: asked, to: told };
}

/** How an item ended, of the first receipt that tells: `suspended` is no end. */
export function outcomeOf({
  outcomes,
}: ItemStory): { readonly step: StepOf<"outcome">; readonly outcome: Outcome } | undefined {
  const step = outcomes.find(({ entry }) => entry.outcome.status !== "suspended");
  return step && { step, outcome: step.entry.outcome };
}

/** The first step that shows that it has ended; undefined where none does. */
export function endOfItem(item: ItemStory): Step | undefined {
  let first: Step | undefined = outcomeOf(item)?.step;
  for (const { step } of [...item.completed, ...item.ends])
    if (first === undefined || step.order < first.order) first = step;
  return first;
}

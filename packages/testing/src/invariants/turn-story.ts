import type { ItemStory } from "./item-story.ts";
import { firstStayIn, type LaneStay, lastStayIn } from "./lane-stay.ts";
import type { Life } from "./life.ts";
import { earlier, type Step, type StepOf, type Told } from "./step.ts";

/** One turn, as its keeper told of it and as its code saw it. */
export interface TurnStory {
  readonly life: Life;
  readonly id: string;
  readonly sessionKey: string;
  readonly cause: string;
  readonly attempt: number;
  readonly reasons: readonly string[];
  /** Undefined where its code was never called. */
  readonly agent: string | undefined;
  /** Its start was told; undefined where nobody listened yet, or the recording begins later. */
  readonly started: Told<"turn.started"> | undefined;
  /** Its code was called; undefined: it was told to stop before. */
  readonly called: StepOf<"turn"> | undefined;
  /** Since when its lane has waited for the slot that it ran on, and since when it had it. */
  readonly asked: LaneStay | undefined;
  readonly opened: LaneStay | undefined;
  /** The first since the turn before it in which its lane may have asked the store for it: an answer may have been lost. */
  readonly firstOpened: LaneStay | undefined;
  /** What it was opened with. */
  readonly messages: ItemStory[];
  readonly events: ItemStory[];
  /** The steering it has taken, each time it was given it. */
  readonly taken: { readonly item: ItemStory; readonly step: Step }[];
  /** What its code asked of it. */
  readonly did: StepOf<"turn.did">[];
  readonly waits: TurnWait[];
  readonly aborts: Told<"turn.aborting">[];
  signal: StepOf<"turn.signal"> | undefined;
  readonly stalls: Told<"lane.stalled">[];
  readonly recoveries: Told<"lane.recovered">[];
  reclaimed: Told<"lane.reclaimed"> | undefined;
  crashed: Told<"lane.crashed"> | undefined;
  /** Its code has returned or thrown. */
  ended: StepOf<"turn.returned"> | StepOf<"turn.threw"> | undefined;
  readonly completed: Told<"turn.completed">[];
  readonly failed: Told<"turn.failed">[];
  readonly cancelled: Told<"turn.cancelled">[];
  readonly handedBack: Told<"turn.handedBack">[];
  readonly retried: Told<"turn.retrying">[];
  readonly lateResults: Told<"turn.lateResult">[];
}

/** A wait that a turn has announced. */
export interface TurnWait {
  readonly from: Told<"turn.waiting">;
  to: Told<"turn.resumed"> | undefined;
}

/** The first that is known of a turn. */
export function startOf({ started, called }: TurnStory): Step {
  return earlier<Step>(started?.step, called)!;
}

/** When a turn ended to be its session's live one: its code was over, or it was fenced. */
export function overAt({ ended, reclaimed, crashed }: TurnStory): Step | undefined {
  return earlier<Step>(earlier<Step>(ended, reclaimed?.step), crashed?.step);
}

/** The first that is known of its being told to stop. */
export function stopOf({ aborts, signal, crashed, reclaimed }: TurnStory): Step | undefined {
  const told = earlier<Step>(aborts[0]?.step, signal);
  return earlier<Step>(earlier<Step>(told, crashed?.step), reclaimed?.step);
}

/** Whether a turn's code was running at a step, and nobody had told it to stop. */
export function isCurrentAt(turn: TurnStory, order: number): boolean {
  const { called, life } = turn;
  if (called === undefined || called.order >= order || order > life.steps.at(-1)!.order) return false;
  const end = earlier(overAt(turn), stopOf(turn));
  return end === undefined || end.order > order;
}

/** What was held by a turn: what it was opened with, and the steering that it has taken. */
export function heldBy({ messages, events, taken }: TurnStory): readonly ItemStory[] {
  return [...messages, ...events, ...taken.map(({ item }) => item)];
}

/** The turns of one recording, in the order of their starts. What they held is filled in by `readItems`. */
export function readTurns(
  life: Life,
  staysOf: (sessionKey: string) => readonly LaneStay[],
): ReadonlyMap<string, TurnStory> {
  const turns = new Map<string, TurnStory>();
  const current = new Map<string, TurnStory>();
  const calls = calledSteps(life);
  const begin = (id: string, called: StepOf<"turn"> | undefined, started?: Told<"turn.started">): void => {
    if (turns.has(id)) return;
    const facts = called?.entry ?? started!.event;
    const { sessionKey, cause, attempt, reasons } = facts;
    const stays = staysOf(sessionKey);
    const first = earlier<Step>(started?.step, called)!;
    const opened = lastStayIn(stays, "busy.opening", first.order);
    const asked = opened && lastStayIn(stays, "busy.waitingForCapacity", opened.from.step.order);
    const before = current.get(sessionKey);
    const turn: TurnStory = {
      life,
      id,
      sessionKey,
      cause,
      attempt,
      reasons,
      agent: called?.entry.agent,
      started,
      called,
      asked,
      opened,
      firstOpened:
        opened && firstStayIn(stays, "busy.opening", before === undefined ? -1 : startOf(before).order),
      messages: [],
      events: [],
      taken: [],
      did: [],
      waits: [],
      aborts: [],
      signal: undefined,
      stalls: [],
      recoveries: [],
      reclaimed: undefined,
      crashed: undefined,
      ended: undefined,
      completed: [],
      failed: [],
      cancelled: [],
      handedBack: [],
      retried: [],
      lateResults: [],
    };
    turns.set(id, turn);
    current.set(sessionKey, turn);
  };
  for (const step of life.steps) {
    const { entry } = step;
    if (entry.type === "turn") begin(entry.turnId, step as StepOf<"turn">);
    else if (entry.type === "event") {
      const told = { step: step as StepOf<"event">, event: entry.event };
      const { event } = told;
      if (event.type === "turn.started")
        begin(event.turnId, calls.get(event.turnId), told as Told<"turn.started">);
      else if (event.type === "lane.crashed") {
        const turn = current.get(event.sessionKey);
        if (turn !== undefined && overAt(turn) === undefined) turn.crashed = told as Told<"lane.crashed">;
      } else if ("turnId" in event && event.turnId !== undefined) {
        const turn = turns.get(event.turnId);
        if (turn !== undefined) noteEvent(turn, told);
      }
    } else if ("turnId" in entry && entry.turnId !== undefined) {
      const turn = turns.get(entry.turnId);
      if (turn !== undefined) noteStep(turn, step);
    }
  }
  return turns;
}

function calledSteps(life: Life): ReadonlyMap<string, StepOf<"turn">> {
  const called = new Map<string, StepOf<"turn">>();
  for (const step of life.steps)
    if (step.entry.type === "turn") called.set(step.entry.turnId, step as StepOf<"turn">);
  return called;
}

function noteStep(turn: TurnStory, step: Step): void {
  const { entry } = step;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is not needed is not read
  switch (entry.type) {
    case "turn.did":
      turn.did.push(step as StepOf<"turn.did">);
      break;
    case "turn.signal":
      turn.signal ??= step as StepOf<"turn.signal">;
      break;
    case "turn.returned":
    case "turn.threw":
      turn.ended ??= step as StepOf<"turn.returned">;
      break;
    default:
      break;
  }
}

function noteEvent(turn: TurnStory, told: Told): void {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is not needed is not read
  switch (told.event.type) {
    case "turn.waiting":
      turn.waits.push({ from: told as Told<"turn.waiting">, to: undefined });
      break;
    case "turn.resumed": {
      const { reason } = told.event;
      const wait = turn.waits.find(({ from, to }) => to === undefined && from.event.reason === reason);
      if (wait !== undefined) wait.to = told as Told<"turn.resumed">;
      break;
    }
    case "turn.aborting":
      turn.aborts.push(told as Told<"turn.aborting">);
      break;
    case "lane.stalled":
      turn.stalls.push(told as Told<"lane.stalled">);
      break;
    case "lane.recovered":
      turn.recoveries.push(told as Told<"lane.recovered">);
      break;
    case "lane.reclaimed":
      turn.reclaimed ??= told as Told<"lane.reclaimed">;
      break;
    case "turn.completed":
      turn.completed.push(told as Told<"turn.completed">);
      break;
    case "turn.failed":
      turn.failed.push(told as Told<"turn.failed">);
      break;
    case "turn.cancelled":
      turn.cancelled.push(told as Told<"turn.cancelled">);
      break;
    case "turn.handedBack":
      turn.handedBack.push(told as Told<"turn.handedBack">);
      break;
    case "turn.retrying":
      turn.retried.push(told as Told<"turn.retrying">);
      break;
    case "turn.lateResult":
      turn.lateResults.push(told as Told<"turn.lateResult">);
      break;
    default:
      break;
  }
}

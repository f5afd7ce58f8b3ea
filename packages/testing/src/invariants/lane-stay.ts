import type { Life } from "./life.ts";
import { countBefore, type Told } from "./step.ts";

/** How long a session's lane was in one state. */
export interface LaneStay {
  readonly sessionKey: string;
  readonly state: string;
  /** The leaf of its chart: `busy.running` … */
  readonly detail: string;
  readonly from: Told<"lane.state">;
  /** The event that ended it; undefined: it was in it to the end of the recording. */
  until: Told<"lane.state"> | undefined;
}

/** The stays of each session's lane in one recording, in order. */
export function readStays(life: Life): ReadonlyMap<string, readonly LaneStay[]> {
  const stays = new Map<string, LaneStay[]>();
  for (const told of life.told("lane.state")) {
    const { sessionKey, state, detail } = told.event;
    const list = stays.get(sessionKey) ?? [];
    stays.set(sessionKey, list);
    const last = list.at(-1);
    if (last !== undefined) last.until = told;
    list.push({ sessionKey, state, detail, from: told, until: undefined });
  }
  return stays;
}

/** How many stays began before a step. */
export function stayCount(stays: readonly LaneStay[], order: number): number {
  return countBefore(stays, fromOrder, order);
}

/** Where a lane was at a step, by the last that was told before it. */
export function stayAt(stays: readonly LaneStay[], order: number): LaneStay | undefined {
  return stays[stayCount(stays, order) - 1];
}

/** The last stay of a kind that began before a step. */
export function lastStayIn(stays: readonly LaneStay[], detail: string, order: number): LaneStay | undefined {
  for (let index = stayCount(stays, order) - 1; index >= 0; index--)
    if (stays[index]!.detail === detail) return stays[index];
  return undefined;
}

/** The first stay of a kind that began after a step. */
export function firstStayIn(stays: readonly LaneStay[], detail: string, order: number): LaneStay | undefined {
  for (let index = stayCount(stays, order); index < stays.length; index++)
    if (stays[index]!.detail === detail) return stays[index];
  return undefined;
}

function fromOrder({ from }: LaneStay): number {
  return from.step.order;
}

import type { Agents } from "./agents.ts";
import type { Demand } from "./dispatcher.ts";
import type { Group, Groups } from "./groups.ts";
import { Line } from "./line.ts";
import { priorityRank } from "./priority.ts";
import { type AgentQueue, goesBefore, Rotation } from "./rotation.ts";
import type { Slot } from "./slot.ts";

/**
 * The claims that wait, and which of them is next (B14, B15).
 *
 * Must not know: how many slots there are, and who lends one.
 * I1. The highest rank goes first, whatever its group; a group that has no room is passed over, and no claim of it looked at.
 * I2. A claim is raised a step for each 15 s it has waited, when a slot is to be given. What keeps its time keeps its place:
 *     neither a new demand nor other groups change since when it waits.
 * I3. Choosing looks at each group once and at no claim but its first; a claim is raised twice in its life at most.
 */
export interface WaitingClaims {
  readonly size: number;
  /** Adds a claim, behind all of its like. */
  add(slot: Slot, now: number): void;
  /** Takes a waiting claim out. */
  remove(slot: Slot): void;
  /** Judges a waiting claim by something else from now on. */
  change(slot: Slot, demand: Demand): void;
  /** Finds everybody's group again, after groups were defined or are no longer. */
  regroup(): void;
  /** Raises what has waited long enough. */
  raise(now: number): void;
  /** The claim a slot is to be given to; undefined where no group that waits has room. */
  next(): Slot | undefined;
  /** A session's claim; of several the one that has waited longest. */
  ofSession(sessionKey: string): Slot | undefined;
}

/** Waiting so long raises a claim by one step, in milliseconds (B14). */
const stepMs = 15_000;
const highest = priorityRank.foreground;

type Ranks = readonly [background: Rotation, normal: Rotation, foreground: Rotation];

/** No claims yet. */
export function createWaitingClaims(groups: Groups, agents: Agents): WaitingClaims {
  const rotations = new Map<Group, Ranks>();
  /** By how often they were raised, each in the order in which they came: only the first of a line can be due. */
  const lines = [new Line<Slot>(), new Line<Slot>(), new Line<Slot>()] as const;
  /** A session has one claim as a rule. */
  const bySession = new Map<string, Slot[]>();
  let size = 0;
  let added = 0;

  const rotationOf = ({ group, rank }: Slot): Rotation => {
    let ranks = rotations.get(group);
    if (ranks === undefined) rotations.set(group, (ranks = [new Rotation(), new Rotation(), new Rotation()]));
    return ranks[rank]!;
  };
  const rankOf = ({ demand, raised }: Slot): number =>
    Math.min(highest, priorityRank[demand.priority] + raised);

  /** Puts a claim where its demand, its group and the time it has waited want it. */
  const refile = (slot: Slot): void => {
    const group = groups.of(slot.demand.group);
    const rank = rankOf(slot);
    if (group === slot.group && rank === slot.rank) return;
    rotationOf(slot).remove(slot);
    slot.group = group;
    slot.rank = rank;
    rotationOf(slot).add(slot);
  };

  return {
    get size() {
      return size;
    },
    add(slot, now) {
      slot.agent = agents.of(slot.request.agent);
      slot.order = ++added;
      slot.since = now;
      slot.rank = rankOf(slot);
      rotationOf(slot).add(slot);
      lines[0].add(slot);
      const { sessionKey } = slot.request;
      const siblings = bySession.get(sessionKey);
      if (siblings === undefined) bySession.set(sessionKey, [slot]);
      else siblings.push(slot);
      size++;
    },
    remove(slot) {
      const agent = slot.agent!;
      rotationOf(slot).remove(slot);
      agents.leave(agent);
      slot.agent = undefined;
      lines[slot.raised]!.remove(slot);
      const { sessionKey } = slot.request;
      const siblings = bySession.get(sessionKey)!;
      if (siblings.length === 1) bySession.delete(sessionKey);
      else siblings.splice(siblings.indexOf(slot), 1);
      size--;
    },
    change(slot, demand) {
      slot.demand = demand;
      refile(slot);
    },
    regroup() {
      for (const line of lines) {
        for (let slot = line.first; slot !== undefined; slot = slot.next) refile(slot);
      }
      for (const [group, ranks] of rotations) {
        if (ranks.every(({ first }) => first === undefined)) rotations.delete(group);
      }
    },
    raise(now) {
      for (let raised = 1; raised < lines.length; raised++) {
        const line = lines[raised - 1]!;
        for (let slot = line.first; slot !== undefined; slot = line.first) {
          if (now - slot.since < raised * stepMs) break;
          line.remove(slot);
          lines[raised]!.add(slot);
          slot.raised = raised;
          refile(slot);
        }
      }
    },
    next() {
      let best: AgentQueue | undefined;
      let bestRank = 0;
      for (const [group, ranks] of rotations) {
        if (!groups.hasRoom(group)) continue;
        for (let rank = highest; rank >= bestRank; rank--) {
          const { first } = ranks[rank]!;
          if (first === undefined) continue;
          if (best === undefined || rank > bestRank || goesBefore(first, best)) best = first;
          bestRank = rank;
          break;
        }
      }
      return best?.slots.first;
    },
    ofSession: (sessionKey) => bySession.get(sessionKey)?.[0],
  };
}

import { Line, type Place } from "./line.ts";

/**
 * Which agent was given a slot longest ago (B15).
 *
 * I1. An agent is known while it waits, and while it is among the last so many that were given a slot.
 * I2. One that is not known counts, from when it comes, as given a slot just before the last one given: so it goes before
 *     whoever had that one, and however many others come after it, they go after it. Nobody waits for ever for newcomers.
 * I3. What is forgotten is always what was given a slot longest ago.
 */
export interface Agents {
  /** The agent of that name, known from now on: it is to be given a slot or to wait, then to `leave`. */
  of(name: string): Agent;
  /** Counts a slot given to an agent. */
  give(agent: Agent): void;
  /** Nothing of this agent may be waiting any more. */
  leave(agent: Agent): void;
}

/** One agent; `Agents` alone writes it, but for `queues`. */
export interface Agent extends Place<Agent> {
  readonly name: string;
  /** The number of the grant that was its last; before its first, half a grant less than the last there was when it came. */
  lastGrant: number;
  /** Whether it is among the last so many that were given a slot. */
  isRemembered: boolean;
  /** Where its claims wait, in the order of its last grant. */
  readonly queues: Set<OrderedByGrant>;
}

/** What must be put in its place again after a grant. */
export interface OrderedByGrant {
  reorder(): void;
}

/** No agents yet; at most `remembered` of them are kept when nothing of theirs waits. */
export function createAgents(remembered: number): Agents {
  const byName = new Map<string, Agent>();
  /** In the order of their last grants. */
  const given = new Line<Agent>();
  let grants = 0;

  const leave = (agent: Agent): void => {
    if (agent.queues.size === 0 && !agent.isRemembered) byName.delete(agent.name);
  };
  return {
    of(name) {
      let agent = byName.get(name);
      if (agent === undefined) {
        agent = {
          name,
          lastGrant: grants - 0.5,
          isRemembered: false,
          queues: new Set(),
          previous: undefined,
          next: undefined,
        };
        byName.set(name, agent);
      }
      return agent;
    },
    give(agent) {
      if (agent.isRemembered) given.remove(agent);
      given.add(agent);
      agent.isRemembered = true;
      agent.lastGrant = ++grants;
      for (const queue of agent.queues) queue.reorder();
      if (given.length <= remembered) return;
      // One that waits stays known, and leaves when its last claim is withdrawn: all in the line were given a slot later.
      const oldest = given.first!;
      given.remove(oldest);
      oldest.isRemembered = false;
      leave(oldest);
    },
    leave,
  };
}

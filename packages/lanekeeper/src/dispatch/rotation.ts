import type { Agent, OrderedByGrant } from "./agents.ts";
import { Heap, type HeapPlace } from "./heap.ts";
import type { Slot } from "./slot.ts";

/**
 * Claims of one rank and group, their agents taking turns (B15).
 *
 * I1. The agent that was given a slot longest ago goes first; where that says nothing, the claim that has waited longest.
 *     Within the agent that one goes first too.
 * I2. Adding, removing and looking cost at most the logarithm of how many wait.
 */
export class Rotation {
  readonly #byAgent = new Map<Agent, AgentQueue>();
  readonly #queues = new Heap<AgentQueue>(goesBefore);

  /** The agent whose turn it is, with its claims. */
  get first(): AgentQueue | undefined {
    return this.#queues.first;
  }

  /** Adds a claim of an agent. */
  add(slot: Slot): void {
    const agent = slot.agent!;
    let queue = this.#byAgent.get(agent);
    if (queue === undefined) {
      queue = new AgentQueue(agent, this.#queues);
      queue.slots.add(slot);
      this.#byAgent.set(agent, queue);
      agent.queues.add(queue);
      this.#queues.add(queue);
    } else {
      queue.slots.add(slot);
      if (queue.slots.first === slot) queue.reorder();
    }
  }

  /** Takes a claim out that is in this rotation. */
  remove(slot: Slot): void {
    const agent = slot.agent!;
    const queue = this.#byAgent.get(agent)!;
    const wasFirst = queue.slots.first === slot;
    // The last claim leaves after its queue: a queue in the heap is never empty.
    if (queue.slots.size === 1) {
      this.#queues.remove(queue);
      this.#byAgent.delete(agent);
      agent.queues.delete(queue);
    }
    queue.slots.remove(slot);
    if (wasFirst && queue.slots.size > 0) queue.reorder();
  }
}

/** An agent's claims in one rotation, the one that has waited longest first. */
export class AgentQueue implements OrderedByGrant, HeapPlace {
  readonly agent: Agent;
  readonly slots = new Heap<Slot>(hasWaitedLonger);
  readonly #queues: Heap<AgentQueue>;
  heapIndex = 0;

  constructor(agent: Agent, queues: Heap<AgentQueue>) {
    this.agent = agent;
    this.#queues = queues;
  }

  reorder(): void {
    this.#queues.update(this);
  }
}

/** Whether an agent's turn comes before another's (I1). */
export function goesBefore(a: AgentQueue, b: AgentQueue): boolean {
  const difference = a.agent.lastGrant - b.agent.lastGrant;
  return difference === 0 ? hasWaitedLonger(a.slots.first!, b.slots.first!) : difference < 0;
}

function hasWaitedLonger(a: Slot, b: Slot): boolean {
  return a.order < b.order;
}

import type { Agent } from "./agents.ts";
import type { Claim, ClaimRequest, Demand, Loan } from "./dispatcher.ts";
import { type Group, isFull } from "./groups.ts";
import type { HeapPlace } from "./heap.ts";
import type { Place } from "./line.ts";

/**
 * A claim from its place in the queue to its release.
 *
 * I1. Those that share one slot form a chain from its owner through `borrower`, in the order in which they came to it.
 */
export class Slot implements Claim, Place<Slot>, HeapPlace {
  readonly #owner: SlotOwner;
  readonly request: ClaimRequest;
  demand: Demand;
  /** `untold`: it is held and counted, and its request has not heard of it yet. */
  state: "waiting" | "untold" | "held" | "released" = "waiting";
  /** The group it waits for or, once it is held, counts in: its lender's if it is borrowed. */
  group: Group;

  lender: Slot | undefined = undefined;
  borrower: Slot | undefined = undefined;

  /** Whose claim it is, while it waits. */
  agent: Agent | undefined = undefined;
  /** Its number among all that have waited, and since when it waits (monotonic milliseconds). */
  order = 0;
  since = 0;
  /** How often waiting has raised its priority, and the rank that makes. */
  raised = 0;
  rank = 0;

  previous: Slot | undefined = undefined;
  next: Slot | undefined = undefined;
  heapIndex = 0;

  constructor(owner: SlotOwner, request: ClaimRequest, demand: Demand, group: Group) {
    this.#owner = owner;
    this.request = request;
    this.demand = demand;
    this.group = group;
  }

  get isHeld(): boolean {
    return this.state === "held" || this.state === "untold";
  }
  get isBorrowed(): boolean {
    return this.lender !== undefined;
  }
  get countsIn(): string | undefined {
    return this.isHeld ? this.group.name : undefined;
  }
  get waitsFor(): "group" | "capacity" | undefined {
    if (this.state !== "waiting") return undefined;
    return isFull(this.group) ? "group" : "capacity";
  }
  /** Whoever came to its slot last. */
  get lastUser(): Slot {
    let last = this.borrower;
    if (last === undefined) return this;
    while (last.borrower !== undefined) last = last.borrower;
    return last;
  }
  /** All that share its slot, the last borrower first. */
  *users(): Iterable<Slot> {
    for (let user: Slot | undefined = this.lastUser; user !== undefined; user = user.lender) yield user;
  }
  change(demand: Demand): void {
    this.#owner.change(this, demand);
  }
  lend(sessionKey: string): Loan {
    return this.#owner.lend(this, sessionKey);
  }
  release(): void {
    this.#owner.release(this);
  }
}

/** Who decides about slots: what is asked of a claim is asked of its owner. */
export interface SlotOwner {
  change(slot: Slot, demand: Demand): void;
  lend(slot: Slot, sessionKey: string): Loan;
  release(slot: Slot): void;
}

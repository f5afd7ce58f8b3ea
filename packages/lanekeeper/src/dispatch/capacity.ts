import type { Claim, ClaimRequest, Dispatcher } from "./dispatcher.ts";
import { Line, type Place } from "./line.ts";

/**
 * The dispatcher within one process: so many slots, first come, first served (B12, B16).
 *
 * I1. `held` never exceeds `turns` by granting; lowering `turns` evicts nobody.
 * I2. Among those that wait, the longest wait goes first.
 */
export function createCapacity(initialTurns: number): Dispatcher {
  return new Capacity(initialTurns);
}

class Capacity implements Dispatcher {
  turns: number;
  held = 0;
  #isHolding = false;
  #isGranting = false;
  readonly #queue = new Line<Slot>();

  constructor(turns: number) {
    this.turns = turns;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  claim(request: ClaimRequest): Claim {
    const slot = new Slot(this, request);
    if (this.#queue.length === 0 && this.held < this.turns && !this.#isHolding) this.#grant(slot);
    else this.#queue.add(slot);
    return slot;
  }

  resize(turns: number): void {
    this.turns = turns;
    this.#grantWaiting();
  }

  hold(): void {
    this.#isHolding = true;
  }

  release(slot: Slot): void {
    const was = slot.state;
    slot.state = "released";
    if (was === "waiting") this.#queue.remove(slot);
    if (was !== "held") return;
    this.held--;
    this.#grantWaiting();
  }

  #grant(slot: Slot): void {
    slot.state = "held";
    this.held++;
    slot.request.granted();
  }

  #grantWaiting(): void {
    // A slot given back by whoever was just granted one is handed on by the loop that granted it, not by one inside it.
    if (this.#isHolding || this.#isGranting) return;
    this.#isGranting = true;
    try {
      for (let slot = this.#queue.first; slot !== undefined; slot = this.#queue.first) {
        if (this.held >= this.turns) break;
        this.#queue.remove(slot);
        this.#grant(slot);
      }
    } finally {
      this.#isGranting = false;
    }
  }
}

class Slot implements Claim, Place<Slot> {
  readonly #capacity: Capacity;
  readonly request: ClaimRequest;
  state: "waiting" | "held" | "released" = "waiting";
  previous: Slot | undefined = undefined;
  next: Slot | undefined = undefined;

  constructor(capacity: Capacity, request: ClaimRequest) {
    this.#capacity = capacity;
    this.request = request;
  }

  get isHeld(): boolean {
    return this.state === "held";
  }
  release(): void {
    this.#capacity.release(this);
  }
}

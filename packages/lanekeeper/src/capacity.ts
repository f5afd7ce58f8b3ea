import type { Claim, ClaimRequest, Dispatcher } from "./dispatcher.ts";

/**
 * The dispatcher within one process: so many slots, first come, first served (B12, B16).
 *
 * I1. `held` never exceeds `turns` by granting; lowering `turns` evicts nobody.
 * I2. Among those that wait, the longest wait goes first.
 */
export function createCapacity(initialTurns: number): Dispatcher {
  let turns = initialTurns;
  let held = 0;
  let isHolding = false;
  // A Set keeps the order of arrival and drops one from the middle in constant time.
  const queue = new Set<Slot>();

  const grantWaiting = (): void => {
    if (isHolding) return;
    for (const slot of queue) {
      if (held >= turns) return;
      queue.delete(slot);
      slot.grant();
    }
  };

  class Slot implements Claim {
    readonly #request: ClaimRequest;
    #state: "waiting" | "held" | "released" = "waiting";
    constructor(request: ClaimRequest) {
      this.#request = request;
    }
    get isHeld(): boolean {
      return this.#state === "held";
    }
    grant(): void {
      this.#state = "held";
      held++;
      this.#request.granted();
    }
    release(): void {
      const was = this.#state;
      this.#state = "released";
      if (was === "waiting") queue.delete(this);
      if (was !== "held") return;
      held--;
      grantWaiting();
    }
  }

  return {
    claim(request) {
      const slot = new Slot(request);
      if (queue.size === 0 && held < turns && !isHolding) slot.grant();
      else queue.add(slot);
      return slot;
    },
    get held() {
      return held;
    },
    get waiting() {
      return queue.size;
    },
    get turns() {
      return turns;
    },
    resize(count) {
      turns = count;
      grantWaiting();
    },
    hold() {
      isHolding = true;
    },
  };
}

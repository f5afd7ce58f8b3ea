import type { LaneEvent } from "@lanekeeper/machines";
import type { ClaimRequest, Demand } from "./dispatcher.ts";
import type { Lane } from "../lanes/lane.ts";
import type { Runtime } from "../keeper/runtime.ts";

const granted = { type: "slot.granted" } as const;
const lost = { type: "slot.lost" } as const;

/** A lane's request for a slot: what the dispatcher tells it reaches the lane as events. */
export class SlotRequest implements ClaimRequest {
  readonly demand: Demand;
  readonly #runtime: Runtime;
  readonly #lane: Lane;
  readonly #sendBack: (event: LaneEvent) => void;

  constructor(runtime: Runtime, lane: Lane, demand: Demand, sendBack: (event: LaneEvent) => void) {
    this.#runtime = runtime;
    this.#lane = lane;
    this.demand = demand;
    this.#sendBack = sendBack;
  }

  get sessionKey(): string {
    return this.#lane.sessionKey;
  }
  get agent(): string {
    return this.#lane.agent;
  }
  granted(): void {
    this.#sendBack(granted);
  }
  lost(): void {
    this.#runtime.tell(this.#lane, lost);
  }
}

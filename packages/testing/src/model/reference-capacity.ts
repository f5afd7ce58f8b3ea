import {
  type ModelSession,
  type ModelSlot,
  type ModelSlots,
  type ModelTurn,
  without,
} from "./model-state.ts";

/** Who gets a slot when, as B10a and B12 to B15 say it: everything is found by looking at everything. */
export class ReferenceCapacity {
  slots: ModelSlots;
  /** Sessions that wait for a slot, in the order in which they came. */
  waiting: readonly ModelSession[] = [];
  held: readonly ModelSlot[] = [];
  /** Agents in the order of their grants; and after how many grants one came that had none. */
  readonly #grants: string[] = [];
  readonly #came = new Map<string, number>();

  constructor(slots: ModelSlots) {
    this.slots = slots;
  }

  join(session: ModelSession, now: number): void {
    const { agent } = session;
    const isKnown = this.#grants.includes(agent) || this.waiting.some((other) => other.agent === agent);
    // As if it had been given a slot just before whoever was given the last (B15).
    if (!isKnown) this.#came.set(agent, this.#grants.length - 1.5);
    session.since = now;
    this.waiting = [...this.waiting, session];
  }
  leave(session: ModelSession): void {
    this.waiting = without(this.waiting, [session]);
  }
  release(turn: ModelTurn): void {
    for (const slot of this.held) slot.users = without(slot.users, [turn]);
    this.held = this.held.filter(({ users }) => users.length > 0);
  }
  /** Gives slots to whoever may have one, one after the other: each is to be used before the next is given. */
  *grants(now: number): Iterable<readonly [ModelSession, ModelSlot]> {
    for (let next = this.#next(now); next !== undefined; next = this.#next(now)) {
      const [session, slot] = next;
      this.leave(session);
      if (slot.users.length === 0) {
        this.held = [...this.held, slot];
        this.#grants.push(session.agent);
      }
      yield next;
    }
  }
  /** Why a waiting session waits. */
  reason(session: ModelSession): "group" | "capacity" {
    const group = this.#groupOf(session);
    const isFull = group !== undefined && this.#heldBy(group) >= this.slots.groups[group]!.limit;
    return isFull ? "group" : "capacity";
  }

  #next(now: number): readonly [ModelSession, ModelSlot] | undefined {
    for (const slot of this.held) {
      // All that share it wait: it goes to what the last of them awaits (B10a).
      const isFree = slot.users.every(({ lends }) => lends.length > 0);
      const awaited = slot.users.toReversed().flatMap(({ lends }) => lends);
      const borrower = awaited.find((session) => this.waiting.includes(session));
      if (isFree && borrower !== undefined) return [borrower, slot];
    }
    const rank = ({ demand, since }: ModelSession): number =>
      Math.min(2, demand.rank + Math.floor((now - since) / 15_000));
    const last = ({ agent }: ModelSession): number =>
      this.#grants.includes(agent) ? this.#grants.lastIndexOf(agent) : this.#came.get(agent)!;
    const able = this.waiting.filter((session) => this.#hasRoom(session));
    const [first] = able.toSorted((a, b) => rank(b) - rank(a) || last(a) - last(b));
    return first && [first, { users: [], group: this.#groupOf(first) }];
  }
  #groupOf({ demand: { group } }: ModelSession): string | undefined {
    return group !== undefined && group in this.slots.groups ? group : undefined;
  }
  #heldBy(group: string): number {
    return this.held.filter((slot) => slot.group === group).length;
  }
  #hasRoom(session: ModelSession): boolean {
    const own = this.#groupOf(session);
    let free = this.slots.turns - this.held.length;
    for (const [group, { reserved }] of Object.entries(this.slots.groups))
      if (group !== own) free -= Math.max(0, reserved - this.#heldBy(group));
    return free > 0 && this.reason(session) !== "group";
  }
}

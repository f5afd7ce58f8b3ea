/** What is asked of the reference model's capacity: a slot for a session's next turn. */
export interface ModelClaim {
  readonly session: string;
  readonly agent: string;
  /** Milliseconds at which it came. */
  readonly since: number;
  /** 0 background, 1 normal, 2 foreground; and the group of its first item. As they are now. */
  demand(): { readonly rank: number; readonly group: string | undefined };
  granted(): void;
  /** Sessions whose work it awaits: with one, it lends its slot and runs nothing (B10a). */
  lends(): readonly string[];
  slot: { readonly users: ModelClaim[]; readonly group: string | undefined } | undefined;
}

/** The number of slots and the limits inside. */
export interface ModelSlots {
  readonly turns: number;
  readonly groups: Readonly<Record<string, { readonly limit: number; readonly reserved: number }>>;
}

/** Who gets a slot when, as B10a and B12 to B15 say it: everything is found by looking at everything. */
export class ReferenceCapacity {
  slots: ModelSlots;
  readonly #now: () => number;
  readonly #waiting: ModelClaim[] = [];
  readonly #held = new Set<NonNullable<ModelClaim["slot"]>>();
  /** Agents in the order of their grants; and after how many grants one came that had none. */
  readonly #grants: string[] = [];
  readonly #came = new Map<string, number>();

  constructor(slots: ModelSlots, now: () => number) {
    this.slots = slots;
    this.#now = now;
  }

  get running(): number {
    return this.#held.size;
  }
  /** Why a waiting claim waits. */
  reason(claim: ModelClaim): "group" | "capacity" {
    const group = this.#groupOf(claim);
    return group !== undefined && this.#heldBy(group) >= this.slots.groups[group]!.limit
      ? "group"
      : "capacity";
  }
  claim(claim: ModelClaim): void {
    const { agent } = claim;
    const isKnown = this.#grants.includes(agent) || this.#waiting.some((other) => other.agent === agent);
    if (!isKnown) this.#came.set(agent, this.#grants.length - 1.5);
    this.#waiting.push(claim);
    this.settle();
  }
  release(claim: ModelClaim): void {
    const { slot } = claim;
    claim.slot = undefined;
    if (slot === undefined) remove(this.#waiting, claim);
    else {
      remove(slot.users, claim);
      if (slot.users.length === 0) this.#held.delete(slot);
    }
    this.settle();
  }
  /** Gives slots to whoever may have one, one after the other. */
  settle(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { claim, slot } = next;
      remove(this.#waiting, claim);
      if (slot === undefined) this.#grants.push(claim.agent);
      claim.slot = slot ?? { users: [], group: this.#groupOf(claim) };
      claim.slot.users.push(claim);
      this.#held.add(claim.slot);
      claim.granted();
    }
  }

  #next(): { readonly claim: ModelClaim; readonly slot?: ModelClaim["slot"] } | undefined {
    for (const slot of this.#held) {
      // All that share it wait: it goes to what the last of them awaits (B10a).
      if (!slot.users.every((user) => user.lends().length > 0)) continue;
      for (const session of slot.users.toReversed().flatMap((user) => user.lends())) {
        const claim = this.#waiting.find((waiting) => waiting.session === session);
        if (claim !== undefined) return { claim, slot };
      }
    }
    const able = this.#waiting.filter((claim) => this.#hasRoom(claim));
    const rank = (claim: ModelClaim): number =>
      Math.min(2, claim.demand().rank + Math.floor((this.#now() - claim.since) / 15_000));
    const last = ({ agent }: ModelClaim): number =>
      this.#grants.includes(agent) ? this.#grants.lastIndexOf(agent) : this.#came.get(agent)!;
    const [claim] = able.toSorted((a, b) => rank(b) - rank(a) || last(a) - last(b));
    return claim && { claim };
  }
  #groupOf(claim: ModelClaim): string | undefined {
    const { group } = claim.demand();
    return group !== undefined && group in this.slots.groups ? group : undefined;
  }
  #heldBy(group: string): number {
    return [...this.#held].filter((slot) => slot.group === group).length;
  }
  #hasRoom(claim: ModelClaim): boolean {
    const own = this.#groupOf(claim);
    let free = this.slots.turns - this.#held.size;
    for (const [group, { reserved }] of Object.entries(this.slots.groups))
      if (group !== own) free -= Math.max(0, reserved - this.#heldBy(group));
    return free > 0 && this.reason(claim) !== "group";
  }
}

function remove<T>(list: T[], thing: T): void {
  const index = list.indexOf(thing);
  if (index >= 0) list.splice(index, 1);
}

import type { GroupBudget, Slots } from "./dispatcher.ts";

/**
 * The slots there are and who holds them, by group (B12).
 *
 * Must not know: who waits, and why a slot is given.
 * I1. Whether a group has room is answered in constant time: what is reserved and not used is counted along.
 * I2. A slot counts for good in the group it was given in, by name. While that group is not defined it has no budget, and
 *     the slot counts only against `turns`; once it is defined again, against its limit and reservation too.
 * I3. Lowering anything takes no slot away: then there is no room until enough are given back (B16).
 */
export interface Groups {
  readonly turns: number;
  readonly held: number;
  /** The group of that name; the one of those that have none where it is not defined. */
  of(name: string | undefined): Group;
  /** Whether one more of its slots may be given: a slot is free, below its limit, and reserved for no other group. */
  hasRoom(group: Group): boolean;
  /** Counts a slot as given. */
  take(group: Group): void;
  /** Counts a slot as free again. */
  giveBack(group: Group): void;
  /** Replaces the number of slots and the budgets. */
  replace(slots: Slots): void;
}

/** One group's budget and what it holds; `Groups` alone writes it. */
export interface Group {
  readonly name: string | undefined;
  limit: number;
  reserved: number;
  held: number;
  isDefined: boolean;
}

/** Whether a group has as many slots as it may have. */
export function isFull(group: Group): boolean {
  return group.held >= group.limit;
}

const noBudget: GroupBudget = { limit: Infinity, reserved: 0 };

/** The slots of one dispatcher, none of them held. */
export function createGroups(slots: Slots): Groups {
  const none = newGroup(undefined);
  // Those that are defined, and those that were and still hold a slot.
  const byName = new Map<string, Group>();
  let turns = 0;
  let held = 0;
  let reservedAndFree = 0;

  const replace = (next: Slots): void => {
    ({ turns } = next);
    for (const [name, budget] of next.groups) {
      const group = byName.get(name) ?? newGroup(name);
      byName.set(name, group);
      define(group, budget, true);
    }
    reservedAndFree = 0;
    for (const [name, group] of byName) {
      if (!next.groups.has(name)) {
        define(group, noBudget, false);
        if (group.held === 0) byName.delete(name);
      }
      reservedAndFree += Math.max(0, group.reserved - group.held);
    }
  };

  replace(slots);
  return {
    get turns() {
      return turns;
    },
    get held() {
      return held;
    },
    of(name) {
      if (name === undefined) return none;
      const group = byName.get(name);
      return group?.isDefined === true ? group : none;
    },
    hasRoom(group) {
      const reservedForOthers = reservedAndFree - Math.max(0, group.reserved - group.held);
      return held + reservedForOthers < turns && !isFull(group);
    },
    take(group) {
      if (group.held < group.reserved) reservedAndFree--;
      group.held++;
      held++;
    },
    giveBack(group) {
      group.held--;
      held--;
      if (group.held < group.reserved) reservedAndFree++;
      if (group.held === 0 && !group.isDefined) byName.delete(group.name!);
    },
    replace,
  };
}

function newGroup(name: string | undefined): Group {
  return { name, limit: Infinity, reserved: 0, held: 0, isDefined: name === undefined };
}

function define(group: Group, { limit, reserved }: GroupBudget, isDefined: boolean): void {
  group.limit = limit;
  group.reserved = reserved;
  group.isDefined = isDefined;
}

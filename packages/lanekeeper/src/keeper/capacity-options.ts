import * as v from "valibot";
import type { GroupBudget, Slots } from "../dispatch/dispatcher.ts";
import { invalidOption } from "./option-faults.ts";
import { check, count, byName, members, optional } from "./validation.ts";

/** How many turns may run at once, and the budgets inside it. */
export interface CapacityOptions {
  /** Turns running at once in this process: 1 or more. */
  readonly turns: number;
  /**
   * Named budgets inside it, e.g. `{ heartbeat: { limit: 2 }, webhook: { limit: 4, reserved: 1 } }`: a group's turns never
   * exceed its `limit`, and its `reserved` slots (default 0) are never given to another. Default: none.
   */
  readonly groups?:
    | Readonly<Record<string, { readonly limit: number; readonly reserved?: number | undefined }>>
    | undefined;
  /** Reclaimed turns whose code has not yet returned that are tolerated before health turns "degraded". Default: `turns`. */
  readonly zombies?: number | undefined;
  /** Items that may wait over all sessions; beyond it `OVERLOADED`. Default: no limit. */
  readonly waiting?: number | undefined;
}

/** A capacity, completed. */
export interface Capacity extends Slots {
  readonly zombies: number;
  readonly waiting: number | undefined;
}

const groupSchema = members({ limit: count(1), reserved: optional(count(0)) });
const capacitySchema = members({
  turns: count(1),
  groups: v.optional(byName),
  zombies: optional(count(0)),
  waiting: optional(count(1)),
});

/** Checks and completes a capacity. Throws `INVALID_OPTION`, also where reservations cannot all be kept. */
export function completeCapacity(capacity: unknown): Capacity {
  const { turns, groups = {}, zombies, waiting } = check("capacity", capacitySchema, capacity);
  const budgets = new Map<string, GroupBudget>();
  let reservedByAll = 0;
  for (const [group, budget] of Object.entries(groups)) {
    if (group === "") throw invalidOption("capacity.groups", groups, "an object whose names are not empty");
    const { limit, reserved = 0 } = check(`capacity.groups.${group}`, groupSchema, budget);
    if (reserved > limit) {
      throw invalidOption(
        `capacity.groups.${group}.reserved`,
        reserved,
        `at most the group's limit, ${limit}`,
      );
    }
    reservedByAll += reserved;
    budgets.set(group, { limit, reserved });
  }
  if (reservedByAll > turns) {
    throw invalidOption(
      "capacity.groups",
      groups,
      `groups that reserve ${turns} slots together at most (capacity.turns)`,
    );
  }
  return { turns, groups: budgets, zombies: zombies ?? turns, waiting };
}

/** Throws `INVALID_OPTION` unless a group is defined, or none is given. */
export function assertGroup(option: string, group: string | undefined, { groups }: Capacity): void {
  if (group === undefined || groups.has(group)) return;
  const known = [...groups.keys()].join(", ");
  throw invalidOption(
    option,
    group,
    known === "" ? "left out: capacity.groups defines none" : `one of capacity.groups: ${known}`,
  );
}

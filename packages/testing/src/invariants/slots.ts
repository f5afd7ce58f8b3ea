import { member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView } from "./recording-view.ts";
import { readSlots, type SlotUse, type SlotUses } from "./slot-use.ts";

/** How many turns run at once (B10a, B12, B16). */
export const slotInvariants: readonly Invariant[] = [
  invariant("B12", "No more turns run than there are slots, but those that share one.", ({ lives }) =>
    lives.flatMap((life) => [...crowded(life)]),
  ),
  invariant("B12", "No more turns of a group run than its limit.", ({ lives }) =>
    lives.flatMap((life) => [...crowdedGroups(life)]),
  ),
  invariant("B12", "No slot that is reserved for a group is given to another.", ({ lives }) =>
    lives.flatMap((life) => [...takenReservations(life)]),
  ),
];

/** The last instant from which all of those turns' slots can have been given. */
function lastAsked(running: readonly SlotUse[]): number {
  return Math.max(...running.map(({ from }) => from));
}

function* crowded(life: LifeView): Iterable<Breach> {
  const slots = readSlots(life);
  for (const [{ turn, order }, running] of slots.starts()) {
    const counted = running.filter(({ lendsFrom }) => lendsFrom >= order);
    if (!counted.some((use) => use.turn === turn)) continue;
    const most = slots.mostBetween(lastAsked(counted), order, ({ turns }) => turns);
    if (counted.length <= most) continue;
    yield {
      step: turn.called!,
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} runs beside ${counted.length - 1} others, and there are ${most} slots.`,
    };
  }
}

/** The group that a turn counts in: that of its first item. Null: none; undefined: not known. */
function groupOf(life: LifeView, { turn }: SlotUse): string | null | undefined {
  if (turn.cause === "heartbeat") return groupOfHeartbeat(life, turn.sessionKey);
  const item = turn.messages[0] ?? turn.events[0];
  if (item === undefined) return null;
  if (item.isTangled) return undefined;
  if (item.isCompletion) return item.accepted === undefined ? undefined : null;
  const { call } = item;
  if (call === undefined || call.method === "redrive") return undefined;
  const group = member(call.args[2], "group");
  return typeof group === "string" ? group : null;
}

function groupOfHeartbeat({ life }: LifeView, sessionKey: string): string | null | undefined {
  const heartbeat = life.options.heartbeats.find((one) => one.sessionKey === sessionKey);
  if (heartbeat?.group !== undefined) return heartbeat.group;
  // Whether the group of that name is defined may have changed since.
  return "heartbeat" in (life.options.capacity.groups ?? {}) ? undefined : null;
}

function* crowdedGroups(life: LifeView): Iterable<Breach> {
  const slots = readSlots(life);
  for (const [use, all] of slots.starts()) {
    const { turn, order } = use;
    const group = groupOf(life, use);
    if (group === undefined || group === null || slots.mayBorrow(use)) continue;
    const running = all.filter((other) => groupOf(life, other) === group && !slots.mayBorrow(other));
    const most = slots.mostBetween(
      lastAsked(running),
      order,
      ({ groups }) => groups?.[group]?.limit ?? Infinity,
    );
    if (running.length <= most) continue;
    yield {
      step: turn.called!,
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} runs beside ${running.length - 1} others of group ${group}, whose limit is ${most}.`,
    };
  }
}

function* takenReservations(life: LifeView): Iterable<Breach> {
  const slots = readSlots(life);
  for (const use of slots.uses) {
    const { turn, order, from, opened } = use;
    const group = groupOf(life, use);
    const capacity = slots.steadyCapacity(from, order);
    if (group === undefined || capacity === undefined || slots.hasLoans(from, order)) continue;
    // What held a slot of its own all the while from when this turn asked until it had one. A borrower may stay on a slot.
    const held =
      1 +
      slots.uses.filter(
        ({ opened: since, until, lendsFrom }) => since <= from && until > opened && lendsFrom >= opened,
      ).length;
    const kept = Object.entries(capacity.groups ?? {})
      .filter(([name]) => name !== group)
      .map(([name, { reserved = 0 }]) => Math.max(0, reserved - mostOf(life, slots, name, use)));
    const unfilled = kept.reduce((sum, one) => sum + one, 0);
    if (held + unfilled <= capacity.turns) continue;
    yield {
      step: turn.called!,
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} was given one of ${capacity.turns} slots: ${held - 1} were held, and ${unfilled} are reserved for other groups.`,
    };
  }
}

/** How many slots of a group were held, at the most, when another's turn was given one. */
function mostOf(life: LifeView, slots: SlotUses, group: string, { from, opened, turn }: SlotUse): number {
  const held = slots.uses.filter((other) => {
    if (other.turn === turn || other.from > opened || other.until < from) return false;
    const its = groupOf(life, other);
    // A borrowed slot counts in its lender's group.
    return its === group || its === undefined || slots.mayBorrow(other);
  });
  return held.length + slots.unusedBetween(from, opened);
}

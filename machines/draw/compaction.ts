/** Something that moves along one axis of the picture and keeps its span on the other. */
export interface Item<Kind extends string> {
  readonly key: string;
  readonly kind: Kind;
  /** Where it begins on the axis it moves along, and how far it reaches. */
  readonly at: number;
  readonly size: number;
  /** Where it begins and ends on the other axis. */
  readonly from: number;
  readonly to: number;
}

/** A rule between two items: `after` begins at least `gap` behind where `before` begins. */
export interface Rule {
  readonly before: string;
  readonly after: string;
  readonly gap: number;
}

/** Items whose spans are closer than this must not change places. */
const sight = 6;

/** Rules that keep all items that see each other in their order, and apart by the room they need or had. */
export function rulesBetween<Kind extends string>(
  items: readonly Item<Kind>[],
  roomBetween: (before: Kind, after: Kind) => number,
): readonly Rule[] {
  return items.flatMap((before) =>
    items.flatMap((after): readonly Rule[] => {
      const room = after.at - before.at - before.size;
      const isBehind =
        after !== before && room >= -0.5 && (room > 0.5 || after.at > before.at || after.size > before.size);
      if (!isBehind || before.from >= after.to + sight || after.from >= before.to + sight) return [];
      return [
        {
          before: before.key,
          after: after.key,
          gap: before.size + Math.min(roomBetween(before.kind, after.kind), room),
        },
      ];
    }),
  );
}

/** The least place of every item that obeys all rules, none below `floor`. */
export function pushDown<Kind extends string>(
  items: readonly Item<Kind>[],
  rules: readonly Rule[],
  floor: number,
): ReadonlyMap<string, number> {
  const places = new Map(items.map(({ key }) => [key, floor]));
  relax(rules, items.length, ({ before, after, gap }) => {
    const least = (places.get(before) ?? floor) + gap;
    if (least <= (places.get(after) ?? floor) + 1e-6) return false;
    places.set(after, least);
    return true;
  });
  return places;
}

/** Moves items back from their places only as far as needed to end before `limit`; they must obey all rules already. */
export function pushBack<Kind extends string>(
  items: readonly Item<Kind>[],
  rules: readonly Rule[],
  limit: number,
): ReadonlyMap<string, number> {
  const places = new Map(items.map(({ key, at, size }) => [key, Math.min(at, limit - size)]));
  relax(rules, items.length, ({ before, after, gap }) => {
    const most = (places.get(after) ?? limit) - gap;
    if (most >= (places.get(before) ?? 0) - 1e-6) return false;
    places.set(before, most);
    return true;
  });
  return places;
}

function relax(rules: readonly Rule[], rounds: number, apply: (rule: Rule) => boolean): void {
  for (let round = 0; round < rounds; round++) {
    let hasChanged = false;
    for (const rule of rules) hasChanged = apply(rule) || hasChanged;
    if (!hasChanged) return;
  }
}

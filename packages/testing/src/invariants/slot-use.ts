import type { RecordedCapacity } from "./life.ts";
import type { LifeView } from "./recording-view.ts";
import { overAt, type TurnStory } from "./turn-story.ts";

/** A turn whose code was called, and what is known of when it had its slot. */
export interface SlotUse {
  readonly turn: TurnStory;
  /** When its code was called. */
  readonly order: number;
  /** Not before this was its slot given, to it or to whoever lent it. */
  readonly from: number;
  /** Not after this. */
  readonly opened: number;
  /** When it was over: its slot was free, unless somebody shared it. */
  readonly until: number;
  /** From when on another may have run on its slot. */
  readonly lendsFrom: number;
}

/** Who ran on the slots of a keeper, as the host saw it. */
export class SlotUses {
  readonly uses: readonly SlotUse[];
  readonly #capacities: readonly { readonly from: number; readonly capacity: RecordedCapacity }[];
  readonly #loans: readonly { readonly from: number; readonly to: number }[];
  readonly #unused: readonly { readonly from: number; readonly to: number }[];

  constructor(life: LifeView) {
    const turns = [...life.turns.values()].filter(({ called }) => called !== undefined);
    this.#loans = turns.flatMap((turn) =>
      lendingWaits(turn).map(({ from, to }) => ({
        from: from.step.order,
        to: to?.step.order ?? overAt(turn)?.order ?? Infinity,
      })),
    );
    const uses: SlotUse[] = [];
    for (const turn of turns.toSorted((a, b) => a.called!.order - b.called!.order))
      uses.push(this.#readUse(turn, uses));
    this.uses = uses;
    const used = new Set([...life.turns.values()].map(({ opened }) => opened));
    this.#unused = [...life.sessions].flatMap((sessionKey) =>
      life
        .staysOf(sessionKey)
        .filter((stay) => stay.detail === "busy.opening" && !used.has(stay))
        .map(({ from, until }) => ({ from: from.step.order, to: until?.step.order ?? Infinity })),
    );
    this.#capacities = [
      { from: -Infinity, capacity: life.life.options.capacity },
      ...life
        .callsOf("setCapacity")
        .flatMap(({ step, answer, args: [capacity] }) =>
          answer === undefined ? [] : [{ from: step.order, capacity: capacity as RecordedCapacity }],
        ),
    ];
  }

  /** Each turn as it starts, and all that run then, itself included: their code was called, and they were not fenced. */
  *starts(): Iterable<readonly [SlotUse, readonly SlotUse[]]> {
    let running: readonly SlotUse[] = [];
    for (const use of this.uses) {
      running = [...running.filter(({ until }) => until > use.order), use];
      yield [use, running];
    }
  }
  /** The most that the capacities said which were in force between two orders. */
  mostBetween(from: number, to: number, read: (capacity: RecordedCapacity) => number): number {
    return Math.max(...this.#inForce(from, to).map(({ capacity }) => read(capacity)));
  }
  /** The least that they said. */
  leastBetween(from: number, to: number, read: (capacity: RecordedCapacity) => number): number {
    return Math.min(...this.#inForce(from, to).map(({ capacity }) => read(capacity)));
  }
  /** Whether any groups were defined between two orders. */
  hasGroups(from: number, to: number): boolean {
    return this.#inForce(from, to).some(({ capacity }) => Object.keys(capacity.groups ?? {}).length > 0);
  }
  /** The one capacity that was in force between two orders; undefined where it changed. */
  steadyCapacity(from: number, to: number): RecordedCapacity | undefined {
    const inForce = this.#inForce(from, to);
    return inForce.length === 1 ? inForce[0]!.capacity : undefined;
  }
  /** Whether any turn may have lent its slot between two orders. */
  hasLoans(from: number, to: number): boolean {
    return this.#loans.some((loan) => loan.from <= to && loan.to >= from);
  }
  /** Whether a turn may run on another's slot. */
  mayBorrow({ from, order }: SlotUse): boolean {
    return this.hasLoans(from, order);
  }
  /** Slots that were given between two orders and that no turn was seen to run on. */
  unusedBetween(from: number, to: number): number {
    return this.#unused.filter((stay) => stay.from <= to && stay.to >= from).length;
  }

  #readUse(turn: TurnStory, before: readonly SlotUse[]): SlotUse {
    const order = turn.called!.order;
    const from = turn.asked?.from.step.order ?? -Infinity;
    // A borrower's slot was given when that of its lender was, under the capacity of then.
    const lenders = this.hasLoans(from, order)
      ? before.filter((use) => use.lendsFrom <= order && use.until >= from)
      : [];
    return {
      turn,
      order,
      from: Math.min(from, ...lenders.map((use) => use.from)),
      opened: turn.opened?.from.step.order ?? order,
      // The fence of one that started before anybody listened may not have been told.
      until: turn.started === undefined ? order : (overAt(turn)?.order ?? Infinity),
      lendsFrom: lendingWaits(turn)[0]?.from.step.order ?? Infinity,
    };
  }
  #inForce(from: number, to: number): readonly { readonly capacity: RecordedCapacity }[] {
    const all = this.#capacities;
    return all.filter((one, index) => one.from <= to && (all[index + 1]?.from ?? Infinity) > from);
  }
}

const readBefore = new WeakMap<LifeView, SlotUses>();

/** The slots of a keeper, read once. */
export function readSlots(life: LifeView): SlotUses {
  let slots = readBefore.get(life);
  if (slots === undefined) readBefore.set(life, (slots = new SlotUses(life)));
  return slots;
}

/** The waits of a turn that have no end of their own: it awaits another session's work. */
function lendingWaits({ waits }: TurnStory): TurnStory["waits"] {
  return waits.filter(({ from }) => from.event.untilAt === undefined);
}

import type { Priority, QueueMode } from "lanekeeper";
import { type Chance, createChanceFor } from "../chance.ts";
import type { Command, CommandKind, CommandOf } from "./command.ts";
import { type Fault, groupIn, lockNames, longestTtlMs, randomCapacity, type Setup } from "./setup.ts";

/** Commands that come to a session in a minute, on average. */
const perMinute = 4;
const modes: readonly (QueueMode | undefined)[] = [
  undefined,
  "followup",
  "followup",
  "collect",
  "steer",
  "steer",
  "interrupt",
  "reject",
];
const priorities: readonly (Priority | undefined)[] = [undefined, undefined, "normal", "background"];

/** The commands of a run, in the order of time, decided by its seed. */
export function makeCommands(setup: Setup): readonly Command[] {
  const { seed, minutes, sessions, faults } = setup;
  const chance = createChanceFor("commands", seed);
  const wanted = (Object.keys(recipes) as CommandKind[]).filter((kind) => {
    const { fault } = recipes[kind];
    return fault === undefined || faults.includes(fault);
  });
  const total = wanted.reduce((sum, kind) => sum + recipes[kind].weight, 0);
  const pickKind = (): CommandKind => {
    let left = chance.below(total);
    return wanted.find((kind) => (left -= recipes[kind].weight) < 0)!;
  };
  const spanMs = Math.round(minutes * 60_000);
  const material = new Material(setup, chance);
  const commands: Command[] = [];
  let at = 0;
  for (let count = Math.ceil(minutes * sessions.length * perMinute); count > 0; count--) {
    // Half of them come in bursts: at once with another, or just after it.
    at = chance.happens(0.5) ? chance.below(spanMs) : Math.min(spanMs, at + chance.pick([0, 0, 1, 40, 700]));
    const kind = pickKind();
    material.next();
    commands.push({ at, do: kind, ...recipes[kind].make(material) } as Command);
  }
  return commands.toSorted((a, b) => a.at - b.at);
}

/** What commands are made of. */
class Material {
  readonly chance: Chance;
  /** What was sent, for those who mean it later. */
  readonly sent: Named<"id">[] = [];
  readonly announced: Named<"execId">[] = [];
  number = 0;
  session: string;
  keeper = 0;
  readonly #setup: Setup;

  constructor(setup: Setup, chance: Chance) {
    this.#setup = setup;
    this.chance = chance;
    this.session = setup.sessions[0]!;
  }

  /** Often the same session again: what meets there is what matters. */
  next(): void {
    this.number++;
    if (this.chance.happens(0.6)) this.session = this.chance.pick(this.#setup.sessions);
    this.keeper = this.chance.below(this.#setup.keepers);
  }

  get agent(): string {
    return this.chance.pick(this.#setup.agents);
  }

  /** A group that the keepers have; none instead of one that they lack. */
  knownGroup(group: string | undefined): string | undefined {
    return groupIn(this.#setup.capacity, group);
  }

  /** One of the last few. */
  recent<T>(list: readonly T[]): T | undefined {
    return list.at(-1 - this.chance.below(Math.min(10, Math.max(1, list.length))));
  }
}

type Named<Key extends string> = { readonly session: string } & { readonly [K in Key]: string };
type Made<Kind extends CommandKind> = Omit<CommandOf<Kind>, "at" | "do">;
interface Recipe<Kind extends CommandKind> {
  /** How often it comes, compared with others. */
  readonly weight: number;
  /** The fault that it is. */
  readonly fault?: Fault;
  make(material: Material): Made<Kind>;
}

const ofSession = ({ session }: Material): { readonly session: string } => ({ session });
const ofKeeper = ({ keeper }: Material): { readonly keeper: number } => ({ keeper });
const forSome = ({ chance }: Material): { readonly forMs: number } => ({
  forMs: chance.pick([100, 3_000, 30_000]),
});
const stormy = (material: Material): { readonly forMs: number; readonly share: number } => ({
  ...forSome(material),
  share: material.chance.pick([0.05, 0.5, 1]),
});
const sentBefore = (material: Material): Named<"id"> =>
  material.recent(material.sent) ?? { ...ofSession(material), id: "none" };
const lock = ({ keeper, chance }: Material): Made<"acquire"> => ({
  keeper,
  name: chance.pick(lockNames),
  ttlMs: chance.pick([1_000, 5_000, longestTtlMs]),
  waitMs: chance.pick([0, 2_000, 20_000]),
  holdMs: chance.pick([0, 500, 5_000, 30_000]),
});

const recipes: { readonly [Kind in CommandKind]: Recipe<Kind> } = {
  send: {
    weight: 400,
    make(material) {
      const { chance, session, number } = material;
      const known = chance.happens(0.1) ? material.recent(material.sent) : undefined;
      const named = known ?? { session, id: `m${number}` };
      material.sent.push(named);
      return {
        ...named,
        mode: chance.pick(modes),
        priority: chance.pick(priorities),
        group: material.knownGroup(chance.pick([undefined, undefined, undefined, "batch"])),
        expiresInMs: chance.pick([undefined, undefined, undefined, 1, 2_000]),
        withdrawnAfterMs: chance.pick([undefined, undefined, undefined, undefined, undefined, 0, 1_000]),
      };
    },
  },
  notify: {
    weight: 90,
    make(material) {
      const { session, number, chance } = material;
      return {
        session,
        id: `e${number}`,
        key: chance.pick([undefined, undefined, "same"]),
        priority: chance.pick(priorities),
        group: material.knownGroup(chance.pick([undefined, undefined, "batch"])),
        wake: chance.pick([undefined, undefined, false]),
      };
    },
  },
  wake: {
    weight: 25,
    make: ({ session, number, chance }) => ({
      session,
      reason: `why ${number}`,
      coalesceMs: chance.pick([undefined, 0, 3_000]),
    }),
  },
  exec: {
    weight: 50,
    make: ({ session, number, chance }) => ({
      session,
      name: `x${number}`,
      timeoutMs: chance.pick([1_000, 20_000]),
      notify: chance.pick([undefined, undefined, "output-or-failure", "never"]),
    }),
  },
  expectExec: {
    weight: 15,
    make({ session, number, chance, announced }) {
      const named = { session, execId: `w${number}` };
      announced.push(named);
      return { ...named, timeoutMs: chance.pick([500, 20_000, 60_000]) };
    },
  },
  reportExec: {
    weight: 25,
    make(material) {
      const { session, number, chance, announced } = material;
      const known = chance.happens(0.1) ? undefined : material.recent(announced);
      return { ...(known ?? { session, execId: `u${number}` }), exitCode: chance.below(2) };
    },
  },
  cancel: { weight: 25, make: sentBefore },
  attach: { weight: 10, make: sentBefore },
  abort: { weight: 25, make: ofSession },
  reset: { weight: 20, make: ofSession },
  forget: { weight: 10, make: ofSession },
  pause: { weight: 15, make: ofSession },
  resume: { weight: 25, make: ofSession },
  clear: { weight: 10, make: ({ session, chance }) => ({ session, events: chance.happens(0.5) }) },
  redrive: { weight: 20, make: ofSession },
  discard: { weight: 5, make: ofSession },
  heartbeat: {
    weight: 20,
    make: ({ agent, chance }) => ({
      agent,
      what: chance.pick(["request", "request", "enable", "disable"]),
    }),
  },
  acquire: { weight: 25, make: lock },
  tryAcquire: { weight: 10, make: lock },
  using: { weight: 20, make: lock },
  pauseAll: { weight: 3, make: ofKeeper },
  resumeAll: { weight: 8, make: ofKeeper },
  setCapacity: {
    weight: 8,
    make: ({ keeper, chance }) => ({ keeper, capacity: randomCapacity(chance) }),
  },
  close: {
    weight: 6,
    make: ({ keeper, chance }) => ({
      keeper,
      drainMs: chance.pick([undefined, 0, 5_000]),
      downMs: chance.pick([0, 2_000]),
    }),
  },
  crash: {
    weight: 8,
    fault: "crashes",
    make: ({ keeper, chance }) => ({ keeper, downMs: chance.pick([0, 10, 5_000]) }),
  },
  stepClock: {
    weight: 6,
    fault: "clocks",
    make: ({ keeper, chance }) => ({
      keeper,
      byMs: chance.pick([-1, 1]) * chance.pick([50, 4_000, 3_600_000]),
    }),
  },
  sleep: {
    weight: 6,
    fault: "clocks",
    make: (material) => ({ ...ofKeeper(material), ...forSome(material) }),
  },
  stop: {
    weight: 8,
    fault: "clocks",
    make: (material) => ({ ...ofKeeper(material), ...forSome(material) }),
  },
  storeFaults: {
    weight: 5,
    fault: "store",
    make: (material) => ({ ...ofKeeper(material), ...stormy(material) }),
  },
  leaseFaults: { weight: 5, fault: "leases", make: stormy },
};

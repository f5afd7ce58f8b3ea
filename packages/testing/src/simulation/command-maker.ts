import type { Priority, QueueMode } from "lanekeeper";
import { type Chance, createChanceFor } from "../chance.ts";
import type { Command, CommandKind } from "./command.ts";
import { lockNames, longestTtlMs, randomCapacity, type Setup } from "./setup.ts";

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

/** How often each kind of command comes, and which fault must be wanted for it. */
const weights: Readonly<Record<CommandKind, number>> = {
  send: 400,
  notify: 90,
  wake: 25,
  exec: 50,
  expectExec: 15,
  reportExec: 25,
  cancel: 25,
  attach: 10,
  abort: 25,
  reset: 20,
  forget: 10,
  pause: 15,
  resume: 25,
  clear: 10,
  redrive: 20,
  discard: 5,
  heartbeat: 20,
  acquire: 25,
  tryAcquire: 10,
  using: 20,
  pauseAll: 3,
  resumeAll: 8,
  setCapacity: 8,
  close: 6,
  crash: 8,
  stepClock: 6,
  sleep: 6,
  stop: 8,
  storeFaults: 5,
  leaseFaults: 5,
};
const faultOf: Readonly<Partial<Record<CommandKind, Setup["faults"][number]>>> = {
  crash: "crashes",
  stepClock: "clocks",
  sleep: "clocks",
  stop: "clocks",
  storeFaults: "store",
  leaseFaults: "leases",
};

/** The commands of a run, in the order of time, decided by its seed. */
export function makeCommands(setup: Setup): readonly Command[] {
  const { seed, minutes, sessions, faults } = setup;
  const chance = createChanceFor("commands", seed);
  const wanted = (Object.keys(weights) as CommandKind[]).filter((kind) => {
    const fault = faultOf[kind];
    return fault === undefined || faults.includes(fault);
  });
  const total = wanted.reduce((sum, kind) => sum + weights[kind], 0);
  const pickKind = (): CommandKind => {
    let left = chance.below(total);
    for (const kind of wanted) {
      left -= weights[kind];
      if (left < 0) return kind;
    }
    return "send";
  };
  const spanMs = Math.round(minutes * 60_000);
  const maker = new CommandMaker(setup, chance);
  const commands: Command[] = [];
  let at = 0;
  for (let count = Math.ceil(minutes * sessions.length * perMinute); count > 0; count--) {
    // Half of them come in bursts: at once with another, or just after it.
    at = chance.happens(0.5) ? chance.below(spanMs) : Math.min(spanMs, at + chance.pick([0, 0, 1, 40, 700]));
    commands.push(maker.make(pickKind(), at));
  }
  return commands.toSorted((a, b) => a.at - b.at);
}

class CommandMaker {
  readonly #setup: Setup;
  readonly #chance: Chance;
  /** What was sent, for those who mean it later. */
  readonly #sent: { readonly session: string; readonly id: string }[] = [];
  readonly #announced: { readonly session: string; readonly execId: string }[] = [];
  #session: string;
  #count = 0;

  constructor(setup: Setup, chance: Chance) {
    this.#setup = setup;
    this.#chance = chance;
    this.#session = setup.sessions[0]!;
  }

  make(kind: CommandKind, at: number): Command {
    const chance = this.#chance;
    // Often the same session again: what meets there is what matters.
    if (chance.happens(0.6)) this.#session = chance.pick(this.#setup.sessions);
    const session = this.#session;
    const keeper = chance.below(this.#setup.keepers);
    const number = ++this.#count;
    switch (kind) {
      case "send":
        return { at, do: kind, ...this.#newOrKnown(session, `m${number}`), ...this.#sendOptions() };
      case "notify":
        return {
          at,
          do: kind,
          session,
          id: `e${number}`,
          key: chance.pick([undefined, undefined, "same"]),
          priority: chance.pick(priorities),
          group: chance.pick([undefined, undefined, "batch"]),
          wake: chance.pick([undefined, undefined, false]),
        };
      case "wake":
        return { at, do: kind, session, reason: `why ${number}`, coalesceMs: chance.pick([undefined, 0, 3_000]) };
      case "exec":
        return {
          at,
          do: kind,
          session,
          name: `x${number}`,
          timeoutMs: chance.pick([1_000, 20_000]),
          notify: chance.pick([undefined, undefined, "output-or-failure", "never"]),
        };
      case "expectExec": {
        const announced = { session, execId: `w${number}` };
        this.#announced.push(announced);
        return { at, do: kind, ...announced, timeoutMs: chance.pick([500, 20_000, 60_000]) };
      }
      case "reportExec": {
        const known = this.#announced.length === 0 || chance.happens(0.1) ? undefined : this.#recent(this.#announced);
        const report = known ?? { session, execId: `u${number}` };
        return { at, do: kind, ...report, exitCode: chance.below(2) };
      }
      case "cancel":
      case "attach":
        return { at, do: kind, ...(this.#recent(this.#sent) ?? { session, id: "none" }) };
      case "clear":
        return { at, do: kind, session, events: chance.happens(0.5) };
      case "abort":
      case "reset":
      case "forget":
      case "pause":
      case "resume":
      case "redrive":
      case "discard":
        return { at, do: kind, session };
      case "heartbeat":
        return {
          at,
          do: kind,
          agent: chance.pick(this.#setup.agents),
          what: chance.pick(["request", "request", "enable", "disable"]),
        };
      case "acquire":
      case "tryAcquire":
      case "using": {
        const name = chance.pick(lockNames);
        const ttlMs = chance.pick([1_000, 5_000, longestTtlMs]);
        const waitMs = chance.pick([0, 2_000, 20_000]);
        return { at, do: kind, keeper, name, ttlMs, waitMs, holdMs: chance.pick([0, 500, 5_000, 30_000]) };
      }
      default:
        return { at, ...this.#ofMachine(kind, keeper) };
    }
  }

  #ofMachine(kind: CommandKind, keeper: number): ReturnType<typeof keepersCommand> {
    return keepersCommand(kind, keeper, this.#chance);
  }

  /** An id of its own, or one in ten times one that the session has seen. */
  #newOrKnown(session: string, id: string): { readonly session: string; readonly id: string } {
    const known = this.#chance.happens(0.1) ? this.#recent(this.#sent) : undefined;
    const named = known ?? { session, id };
    this.#sent.push(named);
    return named;
  }

  #sendOptions(): Omit<Extract<Command, { do: "send" }>, "at" | "do" | "session" | "id"> {
    const chance = this.#chance;
    return {
      mode: chance.pick(modes),
      priority: chance.pick(priorities),
      group: chance.pick([undefined, undefined, undefined, "batch"]),
      expiresInMs: chance.pick([undefined, undefined, undefined, 1, 2_000]),
      withdrawnAfterMs: chance.pick([undefined, undefined, undefined, undefined, undefined, 0, 1_000]),
    };
  }

  /** One of the last few. */
  #recent<T>(list: readonly T[]): T | undefined {
    return list.at(-1 - this.#chance.below(Math.min(10, Math.max(1, list.length))));
  }
}

/** A command for a keeper or its machine. */
function keepersCommand(kind: CommandKind, keeper: number, chance: Chance) {
  const forMs = chance.pick([100, 3_000, 30_000]);
  switch (kind) {
    case "setCapacity":
      return { do: kind, keeper, capacity: randomCapacity(chance) } as const;
    case "close":
      return { do: kind, keeper, drainMs: chance.pick([undefined, 0, 5_000]), downMs: chance.pick([0, 2_000]) } as const;
    case "crash":
      return { do: kind, keeper, downMs: chance.pick([0, 10, 5_000]) } as const;
    case "stepClock":
      return { do: kind, keeper, byMs: chance.pick([-1, 1]) * chance.pick([50, 4_000, 3_600_000]) } as const;
    case "sleep":
    case "stop":
      return { do: kind, keeper, forMs } as const;
    case "storeFaults":
      return { do: kind, keeper, forMs, share: chance.pick([0.05, 0.5, 1]) } as const;
    case "leaseFaults":
      return { do: kind, forMs, share: chance.pick([0.05, 0.5, 1]) } as const;
    default:
      return { do: kind === "resumeAll" ? kind : "pauseAll", keeper } as const;
  }
}

import type { ProcessListener, Processes, StartedProcess } from "../commands/processes.ts";
import type { Settings } from "../keeper/options.ts";
import type { LeaseStore } from "../store/leases.ts";
import type { Mailboxes, Store } from "../store/store.ts";
import type { InnerEntry } from "./inner-entries.ts";
import type { MadeWith } from "./recording.ts";
import type { Entry, Players, Tape } from "./tape.ts";

/** The answer to what is asked after the end. */
const never = new Promise<never>(() => {});

type Port = (InnerEntry & { readonly type: "asked" })["port"];

/** Ports that answer as the recording says, when it says so. */
export interface ReplayedPorts {
  readonly settings: Pick<Settings, "store" | "leases" | "processes">;
  readonly players: Players;
}

/** Members of opened mailboxes that are no steps. */
const counts: ReadonlySet<string> = new Set([
  "isHeld",
  "isDurable",
  "known",
  "backlog",
] satisfies (keyof Mailboxes)[]);

/** Ports on a tape. */
export function replayPorts(tape: Tape, made: MadeWith): ReplayedPorts {
  /** What was asked so far, whether it was answered at once or not. */
  let asks = 0;
  const requests = new Map<number, PromiseWithResolvers<unknown>>();
  const listeners = new Map<number, (told: Entry<"told">) => void>();

  /** `make` makes what the keeper is given of what is written of an answer. */
  const ask = (
    port: Port,
    what: string,
    args: readonly unknown[],
    make: (answer: unknown, request: number) => unknown = (answer) => answer,
    begun: (request: number) => void = () => {},
  ): unknown => {
    const count = ++asks;
    tape.callOut();
    const asked = tape.take({ type: "asked", port, what, args });
    if (asked === undefined) return never;
    const { request, answer, error } = asked;
    if (error !== undefined) throw error;
    if (request === undefined) return make(answer, count);
    if (request !== count) tape.diverge(asked, { type: "asked", port, what, args, request: count });
    begun(request);
    const promised = Promise.withResolvers<unknown>();
    requests.set(request, promised);
    return promised.promise.then((value) => make(value, request));
  };

  /** The counts as the keeper saw them last. */
  const seen = new Map<string, unknown>();
  const mailboxes = new Proxy({} as Mailboxes, {
    get(_, name) {
      // Whoever awaits them asks whether they are a promise.
      if (typeof name === "symbol" || name === "then") return undefined;
      if (counts.has(name)) {
        if (!tape.isAside) seen.set(name, tape.take({ type: "gave", what: name })?.value);
        return seen.get(name) ?? 0;
      }
      return (...args: readonly unknown[]) => ask("store", name, args);
    },
  });
  const leases: LeaseStore = {
    acquire: async (...args) => ask("leases", "acquire", args) as ReturnType<LeaseStore["acquire"]>,
    renew: async (...args) => ask("leases", "renew", args) as Promise<boolean>,
    release: async (...args) => ask("leases", "release", args) as Promise<boolean>,
    close: async () => ask("leases", "close", []) as Promise<void>,
  };
  if (made.watches) {
    leases.watch = (name, released) => {
      const request = ++asks;
      tape.take({ type: "asked", port: "leases", what: "watch", args: [name], request });
      listeners.set(request, () => released());
      tape.callOut();
      const { next } = tape;
      if (next?.type === "answered" && next.request === request && next.error !== undefined) {
        tape.advance();
        throw next.error.thrown;
      }
      return () => void ask("leases", "unwatch", [request]);
    };
  }
  const store: Store = {
    leases,
    open: () => ask("store", "open", [], () => mailboxes) as Mailboxes,
    close: async () => ask("store", "close", []) as Promise<void>,
  };
  const toProcess = (answer: unknown, request: number): StartedProcess => ({
    ...(answer as Pick<StartedProcess, "pid" | "mark">),
    kill: (signal) => ask("processes", "kill", [request, signal]) as boolean,
  });
  const toFound = (answer: unknown, request: number): StartedProcess | undefined =>
    answer === undefined ? undefined : toProcess(answer, request);
  const processes: Processes = {
    start: async (command, listener: ProcessListener) =>
      ask("processes", "start", [command], toProcess, (request) =>
        listeners.set(request, ({ what, args }) => {
          if (what === "output") listener.output(args[0] as string);
          else listener.ended(args[0] as number | null, args[1] as string | null);
        }),
      ) as Promise<StartedProcess>,
    find: async (identity) =>
      ask("processes", "find", [identity], toFound) as Promise<StartedProcess | undefined>,
    findStarted: async (execId) =>
      ask("processes", "findStarted", [execId], toFound) as Promise<StartedProcess | undefined>,
  };

  return {
    settings: { store, leases: made.hasLeases ? leases : undefined, processes },
    players: {
      answered({ request, value, error }) {
        const asked = requests.get(request);
        if (asked === undefined) return false;
        requests.delete(request);
        tape.advance();
        if (error === undefined) asked.resolve(value);
        else asked.reject(error.thrown);
        return true;
      },
      told(entry) {
        const listener = listeners.get(entry.request);
        if (listener === undefined) return false;
        tape.advance();
        listener(entry);
        return true;
      },
    },
  };
}

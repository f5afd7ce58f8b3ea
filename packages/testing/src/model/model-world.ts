import {
  createLanekeeper,
  type Lanekeeper,
  type LanekeeperOptions,
  type Outcome,
  PermanentError,
  type Receipt,
  type Store,
  type Turn,
} from "lanekeeper";
import { type ScriptedProcess, scriptedProcesses } from "lanekeeper/ports";
import { deterministicIds } from "../deterministic-ids.ts";
import type { CodeEnd } from "./reference-verdict.ts";
import { type ScriptedStore, scriptStore } from "../scripted-store.ts";
import { createVirtualTime, type ProcessClock, type VirtualTime } from "../virtual-time.ts";

/** A turn's code: it does what it is told, one thing after the other, in its own context, until it is told to end. */
export interface HostCode {
  readonly turn: Turn;
  /** Lets it do something, and gives what came of it. */
  tell<T>(act: (turn: Turn) => T): Promise<T>;
  end(end: CodeEnd): void;
}

/**
 * A keeper on virtual time with a memory store and scripted commands, whose turns do what they are told: what commands of
 * the model are carried out on.
 *
 * I1. Nothing in it waits for real time, and what it does depends on the commands alone.
 * I2. It closes every keeper that it ever had: one that was only killed would keep this process alive.
 */
export interface ModelWorld {
  readonly time: VirtualTime;
  readonly keeper: Lanekeeper;
  /** Turns whose code runs: by session, then in the order in which they were called. */
  readonly codes: readonly HostCode[];
  readonly outcomes: ReadonlyMap<string, string>;
  /** Ends the command that was started with that name as its argument. */
  endCommand(name: string): void;
  /** The name by which the model knows an id that the keeper made; any other is its own name. */
  nameOf(id: string): string;
  /** The other way round. */
  idOf(name: string): string;
  /** Notes that the keeper made an id for what the model calls so. */
  name(id: string, name: string): void;
  /** Lets ready work run; gives what the promise came to meanwhile: a code of a refusal, if it was one. */
  settle<T>(promise: Promise<T>): Promise<T | string>;
  /** Keeps a receipt, so that its outcome is seen. */
  keep(receipt: Receipt): void;
  /** The process dies, or the keeper is closed, and another keeper opens the store. */
  restart(how: "crash" | "close"): Promise<void>;
  close(): Promise<void>;
}

/** A keeper and its clock. */
interface Life {
  readonly keeper: Lanekeeper;
  readonly clock: ProcessClock;
}

/** Milliseconds in which every keeper closes: more than the graces of its turns and what it grants a store. */
const closeMs = 120_000;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Starts a world on an empty store. */
export async function createModelWorld(
  options: Pick<LanekeeperOptions, "capacity" | "lane" | "laneFor" | "heartbeats">,
  inner: Store,
): Promise<ModelWorld> {
  const time = createVirtualTime();
  const store: ScriptedStore = scriptStore(inner, () => undefined, time.after);
  const outcomes = new Map<string, string>();
  const receipts = new Map<string, Receipt>();
  const names = new Map<string, string>();
  const ids = new Map<string, string>();
  const nameOf = (id: string): string => names.get(id) ?? id;
  const nextId = deterministicIds();
  let codes: HostCode[] = [];
  let processes: ScriptedProcess[] = [];
  /** All there were, in order; the last is the present one. */
  const lives: Life[] = [];
  let clock: ProcessClock;
  const flush = (): Promise<void> => time.advance(0);

  const open = async (): Promise<void> => {
    clock = time.process();
    const life = clock;
    const keeper = await createLanekeeper({
      ...options,
      clock,
      store,
      random: () => 0.5,
      createId: nextId,
      logger: silent,
      processes: scriptedProcesses({
        onStart: (process) => void (life === clock && processes.push(process)),
      }),
      turn: (turn) => {
        const code = createHostCode(turn);
        codes.push(code);
        codes.sort((a, b) => {
          const [x, y] = [a.turn.sessionKey, b.turn.sessionKey];
          return x < y ? -1 : Number(x > y);
        });
        return code.ended.finally(() => (codes = codes.filter((other) => other !== code)));
      },
    });
    lives.push({ keeper, clock });
  };
  const present = (): Life => lives.at(-1)!;
  const keep = (receipt: Receipt): void => {
    const { sessionKey, id } = receipt;
    const name = `${sessionKey} ${nameOf(id)}`;
    receipts.set(name, receipt);
    // Work that was put back has no outcome any more.
    outcomes.delete(name);
    void receipt.outcome.then((outcome) => {
      if (receipts.get(name) === receipt && outcome.status !== "suspended") outcomes.set(name, say(outcome));
    });
  };
  await open();
  return {
    time,
    get keeper() {
      return present().keeper;
    },
    get codes() {
      return codes;
    },
    outcomes,
    endCommand: (name) => processes.find(({ args }) => args[0] === name)?.end(0),
    nameOf,
    idOf: (name) => ids.get(name) ?? name,
    name(id, name) {
      names.set(id, name);
      ids.set(name, id);
    },
    async settle(promise) {
      const flushed = flush();
      const answer = Promise.race([promise.catch(codeOf), flushed.then(() => "no answer")]);
      await flushed;
      return answer;
    },
    keep,
    async restart(how) {
      const unfinished = [...receipts.values()].filter(
        ({ sessionKey, id }) => !outcomes.has(`${sessionKey} ${nameOf(id)}`),
      );
      if (how === "crash") {
        clock.end();
        await store.crash();
      } else {
        await Promise.all([present().keeper.close(), flush()]);
        clock.end();
      }
      codes = [];
      processes = [];
      receipts.clear();
      await Promise.all([open(), flush()]);
      for (const { sessionKey, id } of unfinished) {
        const receipt = await Promise.race([present().keeper.attach(sessionKey, id), flush()]);
        if (receipt !== undefined) keep(receipt);
      }
      await flush();
    },
    async close() {
      const closing = present().keeper.close();
      closing.catch(() => {});
      await time.advance(closeMs);
      for (const life of lives) {
        life.clock.end();
        await life.clock.bury(life.keeper.close());
      }
      await closing;
    },
  };
}

function createHostCode(turn: Turn): HostCode & { readonly ended: Promise<string> } {
  const acts: (() => unknown)[] = [];
  let wake = (): void => {};
  const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  const run = async (): Promise<string> => {
    for (;;) {
      const act = acts.shift();
      if (act === undefined) await next();
      else if (act() === over) return "a reply";
    }
  };
  const ended = run();
  const queue = (act: () => unknown): void => {
    acts.push(act);
    wake();
  };
  return {
    turn,
    ended,
    tell: (act) => new Promise((resolve) => queue(() => resolve(act(turn)))),
    end: (how) =>
      queue(() => {
        if (how === "threw") throw new Error("the turn failed");
        if (how === "threw for good") throw new PermanentError("the turn failed for good");
        return over;
      }),
  };
}

/** What an act gives that ends its turn. */
const over = Symbol("over");

/** What a refusal says: the code of its error. */
function codeOf(error: unknown): string {
  return (error as { readonly code?: string }).code ?? String(error);
}

function say(outcome: Outcome): string {
  return "reason" in outcome ? `${outcome.status}:${outcome.reason}` : outcome.status;
}

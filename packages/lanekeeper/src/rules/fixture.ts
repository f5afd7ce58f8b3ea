import { onTestFinished } from "vitest";
import { assembleLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { CreateDispatcher } from "./faulty-dispatcher.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LanekeeperOptions } from "../keeper/options.ts";
import type { Processes } from "../commands/processes.ts";
import { type ScriptedProcesses, scriptedProcesses } from "../commands/scripted-processes.ts";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import type { Turn } from "../turns/turn.ts";

/** A keeper on simulated time, and everything it did. It is closed when the test is over. */
export interface Fixture<Runner extends Processes = ScriptedProcesses> {
  readonly keeper: Lanekeeper;
  readonly clock: SimulatedClock;
  /** Every event, in order. */
  readonly events: readonly LanekeeperEvent[];
  /** Every log line, in order; the test's output stays silent. */
  readonly logs: readonly LogLine[];
  /** Scripted, unless the options gave others. */
  readonly processes: Runner;
  /** Every turn that started, in order, unless the options gave a `turn`: each runs until it is resolved or rejected. */
  readonly turns: readonly HeldTurn[];
  /** The events of one type, in order. */
  of<T extends LanekeeperEvent["type"]>(type: T): EventOf<T>[];
}

/** A line that the keeper logged. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A turn whose end the test decides. */
export interface HeldTurn extends Deferred<unknown> {
  readonly turn: Turn;
}

/** A promise that the test settles. */
export type Deferred<T> = PromiseWithResolvers<T>;

/** The event of one type. */
export type EventOf<T extends LanekeeperEvent["type"], E = LanekeeperEvent> = E extends {
  readonly type: infer U;
}
  ? T extends U
    ? E & { readonly type: T }
    : never
  : never;

/** A promise that the test settles. */
export function deferred<T = unknown>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/** The bodies of a turn's messages. */
export function bodies(turn: Turn): readonly unknown[] {
  return turn.messages.map(({ body }) => body);
}

/** Starts a keeper on simulated time, with scripted processes and half of every jitter. Options given here win. */
export async function createFixture<Runner extends Processes = ScriptedProcesses>(
  options: Omit<Partial<LanekeeperOptions>, "clock" | "processes"> & {
    readonly clock?: SimulatedClock;
    readonly processes?: Runner;
    /** Default: the capacity of one process. */
    readonly dispatcher?: CreateDispatcher;
  } = {},
): Promise<Fixture<Runner>> {
  const { dispatcher, ...given } = options;
  const clock = options.clock ?? createSimulatedClock();
  const processes = options.processes ?? (scriptedProcesses() as Processes as Runner);
  const events: LanekeeperEvent[] = [];
  const logs: LogLine[] = [];
  const turns: HeldTurn[] = [];
  const write =
    (level: LogLine["level"]) =>
    (fields: object, message: string): void =>
      void logs.push({ level, fields: { ...fields }, message });
  const settings: LanekeeperOptions = {
    random: () => 0.5,
    logger: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    turn: (turn) => {
      const held: HeldTurn = { turn, ...deferred() };
      turns.push(held);
      return held.promise;
    },
    ...given,
    clock,
    processes,
  };
  const keeper = await assembleLanekeeper(settings, dispatcher);
  keeper.events$.subscribe((event) => events.push(event));
  onTestFinished(async () => {
    const closed = keeper.close();
    await clock.advance(closingMs);
    await closed;
  });
  return {
    keeper,
    clock,
    events,
    logs,
    processes,
    turns,
    of: <T extends LanekeeperEvent["type"]>(type: T) =>
      events.filter((event) => event.type === type) as EventOf<T>[],
  };
}

/** Milliseconds after which even a keeper with turns that never return has closed. */
const closingMs = 600_000;

import * as fc from "fast-check";
import type { ProcessCommand } from "../commands/processes.ts";
import { type ScriptedProcesses, scriptedProcesses } from "../commands/scripted-processes.ts";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LaneSettings } from "../lanes/lane-options.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import type { Turn } from "../turns/turn.ts";
import { answeringStore } from "./answering-store.ts";

/**
 * Races of several sessions: what is done, the steps of turns and the answers of the store come in the order that
 * a scheduler chooses.
 *
 * I1. One keeper runs one race after the other, each with sessions of its own, until one breaks a rule.
 */
export interface SlotRace {
  readonly keeper: Lanekeeper;
  readonly clock: SimulatedClock;
  readonly scheduler: fc.Scheduler;
  /** The commands of all races so far; the script is to end them. */
  readonly processes: ScriptedProcesses;
  /** What broke a rule. */
  readonly faults: string[];
  /** The key of a session in this race. */
  keyOf(session: string): string;
  /** The session of a key. */
  sessionOf(sessionKey: string): string;
  /** Begins: turns and events are given to the race from now on, and the store answers so. */
  begin(host: SlotRaceHost): void;
  /** Comes to its turn in the scheduler's order, after being put off so many times. */
  inTurn(label: string, delay?: number): Promise<void>;
  /** Lets everything scheduled happen, in the scheduler's order. */
  drain(): Promise<void>;
}

/** Who runs a race. */
export interface SlotRaceHost {
  /** How often the answers of the store are put off, again from the first when they are used up. Without any they come at once. */
  readonly delays: readonly Delay[];
  turn(turn: Turn): unknown;
  event(event: LanekeeperEvent): void;
  /** A command is started. */
  starts?(command: ProcessCommand): void;
}
/** How often something is put off; "none": it does not wait for its turn at all. */
export type Delay = number | "none";

/** What puts off answers in one race. */
export const delays: fc.Arbitrary<readonly Delay[]> = fc.array(
  fc.constantFrom<Delay>("none", "none", 0, 0, 3),
  { maxLength: 4 },
);

/** Milliseconds that they may take on a busy machine. */
export const patienceMs = 120_000;

/** Runs a thousand races, and tells of one that breaks a rule, if there is any. With `isClosing` each has a keeper of its own. */
export async function findUnfairRace<Script>(
  scripts: fc.Arbitrary<Script>,
  run: (race: SlotRace, script: Script) => Promise<void>,
  { lane, isClosing }: { lane: LaneSettings; isClosing?: boolean },
): Promise<string | undefined> {
  let house = await openHouse(lane);
  const property = fc.asyncProperty(fc.scheduler(), scripts, async (scheduler, script) => {
    const race = house.enter(scheduler);
    await run(race, script);
    const isUnfair = race.faults.length > 0;
    if (isUnfair || isClosing === true) {
      house.leave();
      await race.keeper.close();
      house = await openHouse(lane);
    }
    if (isUnfair) throw new Error(race.faults.join("; "));
  });
  const report = await fc.check(property, { numRuns: 1_000 });
  house.leave();
  await house.keeper.close();
  const { failed, errorInstance } = report;
  return failed ? `${String(errorInstance)}\n${await fc.asyncDefaultReportMessage(report)}` : undefined;
}

/** Where one race follows another. */
interface House {
  readonly keeper: Lanekeeper;
  enter(scheduler: fc.Scheduler): SlotRace;
  /** From now on the store answers at once. */
  leave(): void;
}

async function openHouse(lane: LaneSettings): Promise<House> {
  const clock = createSimulatedClock();
  const store = answeringStore();
  let host: SlotRaceHost | undefined;
  let faults: string[] = [];
  let races = 0;
  let ids = 0;
  const processes = scriptedProcesses();
  const silent = (): void => {};
  const keeper = await createLanekeeper({
    clock,
    store,
    lane,
    random: () => 0.5,
    createId: () => `${ids++}`,
    processes: {
      ...processes,
      start(command, listener) {
        host?.starts?.(command);
        return processes.start(command, listener);
      },
    },
    logger: { debug: silent, info: silent, warn: silent, error: (_, message) => void faults.push(message) },
    turn: (turn) => host!.turn(turn),
  });
  keeper.events$.subscribe((event) => {
    if (event.type === "lane.crashed") faults.push(`a lane crashed: ${event.error.message}`);
    host?.event(event);
  });
  return {
    keeper,
    leave: () => store.answerBy(undefined),
    enter(scheduler) {
      const suffix = `:${races++}`;
      host = undefined;
      faults = [];
      const inTurn = async (label: string, delay = 0): Promise<void> => {
        for (let times = 0; times <= delay; times++) await scheduler.schedule(Promise.resolve(), label);
      };
      return {
        keeper,
        clock,
        scheduler,
        processes,
        faults,
        keyOf: (session) => `${session}${suffix}`,
        sessionOf: (sessionKey) => sessionKey.slice(0, -suffix.length),
        begin(next) {
          host = next;
          let answers = 0;
          const delayed = async <T>(step: string, answer: T): Promise<T> => {
            const delay = next.delays[answers++ % next.delays.length]!;
            if (delay !== "none") await inTurn(step, delay);
            return answer;
          };
          store.answerBy(next.delays.length === 0 ? undefined : delayed);
        },
        inTurn,
        async drain() {
          do {
            do {
              while (scheduler.count() > 0) await scheduler.waitOne();
              await new Promise((resolve) => setImmediate(resolve));
            } while (scheduler.count() > 0);
            await clock.settle();
          } while (scheduler.count() > 0);
        },
      };
    },
  };
}

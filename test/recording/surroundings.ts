import { type Chance, createChance, createVirtualTime, scriptLeases, scriptStore } from "@lanekeeper/testing";
import { memoryStore, type Store } from "lanekeeper";
import { childProcesses, memoryLeases, systemClock } from "lanekeeper/ports";
import { laterStore } from "../conformance/later-store.ts";
import type { Surroundings } from "./random-host.ts";

/**
 * Simulated time, in which the keeper's clock drifts, sleeps, stops and is moved, and in which its store and leases answer
 * late, lose answers and fail.
 */
export function inVirtualTime(seed: number): Surroundings {
  const chance = createChance(seed);
  const time = createVirtualTime((count) => chance.below(count));
  const after = (ms: number, callback: () => void): void => time.after(ms, callback);
  const clock = time.process({
    rate: 1 + (chance.below(201) - 100) / 10_000,
    lateMs: () => (chance.happens(0.02) ? chance.below(3_000) : 0),
  });
  let hasBegun = false;
  const store = scriptStore(
    memoryStore(),
    () => (hasBegun ? { answersAfterMs: someDelay(chance, 50), ...someFault(chance, storeFaults) } : {}),
    after,
  );
  const leases = scriptLeases(
    memoryLeases(() => time.clock),
    after,
    () => ({
      arrivesAfterMs: chance.below(30),
      answersAfterMs: chance.below(30),
      ...someFault(chance, leaseFaults),
    }),
    chance.happens(0.3),
  );
  return {
    chance,
    clock,
    store,
    leases: chance.happens(0.7) ? leases : undefined,
    unitMs: 100,
    after,
    begun() {
      hasBegun = true;
    },
    async pass(ms) {
      if (chance.happens(0.02)) clock.sleep(chance.below(5_000));
      if (chance.happens(0.02)) clock.stop(chance.below(5_000));
      if (chance.happens(0.02)) clock.step(chance.below(10_000) - 5_000);
      await time.advance(ms);
    },
  };
}

/** The machine's own time, with real timers and a store whose answers come by the event loop, or by timers. */
export function inRealTime(seed: number): Surroundings {
  const chance = createChance(seed);
  const after = (ms: number, callback: () => void): void => void setTimeout(callback, ms);
  const stores: readonly (() => Store)[] = [
    memoryStore,
    laterStore,
    () => scriptStore(memoryStore(), () => ({ answersAfterMs: someDelay(chance, 4) }), after),
  ];
  const leases = scriptLeases(
    memoryLeases(() => systemClock),
    after,
    () => ({ arrivesAfterMs: chance.below(3), answersAfterMs: chance.below(3) }),
  );
  return {
    chance,
    clock: undefined,
    store: chance.pick(stores)(),
    leases: chance.happens(0.5) ? leases : undefined,
    unitMs: 4,
    after,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    ...(chance.happens(0.2) ? { processes: realProcesses } : {}),
  };
}

const storeFaults = ["throws", "fails", "fails-afterwards", "answer-lost", "never-arrives"] as const;
const leaseFaults = ["never-arrives", "answer-lost", "fails", "fails-afterwards", "disowns"] as const;

function someDelay(chance: Chance, mostMs: number): number | undefined {
  return chance.pick([undefined, 0, chance.below(mostMs)]);
}

function someFault<Fault>(chance: Chance, faults: readonly Fault[]): { readonly fault?: Fault } {
  return chance.happens(0.03) ? { fault: chance.pick(faults) } : {};
}

const realProcesses: NonNullable<Surroundings["processes"]> = {
  start: (command, listener) =>
    childProcesses.start({ ...command, command: command.command === "work" ? "true" : "missing" }, listener),
};

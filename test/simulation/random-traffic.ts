import {
  type CapacityOptions,
  createLanekeeper,
  type Lanekeeper,
  LanekeeperError,
  type LaneSettings,
  type Receipt,
  type Store,
} from "lanekeeper";
import { scriptedProcesses } from "lanekeeper/ports";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { type MemoryRecorder, recordInMemory } from "lanekeeper/recording";
import { type Chance, checkInvariants, createChance } from "@lanekeeper/testing";
import { createRandomAgent } from "./random-agent.ts";

const sessions = ["a", "b", "c", "d", "e"];
const modes = ["followup", "followup", "collect", "steer", "steer", "interrupt", "reject"] as const;
const silent = { debug: () => {}, info: () => {}, warn: () => {} };
/** Long after every deadline, backoff and command of the settings below. */
const longMs = 600_000;

/** Runs one random history against a keeper on the store, records it, and says what broke a rule. */
export async function runRandomTraffic(
  seed: number,
  store: Store,
  recorder: MemoryRecorder = recordInMemory(),
): Promise<readonly string[]> {
  const chance = createChance(seed);
  const clock = createSimulatedClock();
  const faults: string[] = [];
  const fault = (what: string): void => void faults.push(what);
  const processes = scriptedProcesses({
    onStart: (process) => void clock.setTimeout(() => process.end(chance.below(2)), chance.below(3_000)),
  });
  const keeper: Lanekeeper<string, string> = await createLanekeeper<string, string>({
    clock,
    store,
    recorder,
    processes,
    random: () => chance.next(),
    capacity: randomCapacity(chance),
    lane: randomLane(chance),
    laneFor: (sessionKey) => (sessionKey === "a" ? { mode: "collect", debounceMs: 300 } : undefined),
    turn: createRandomAgent(clock, chance, fault, () => keeper, sessions),
    logger: {
      ...silent,
      error: (fields, message) => void (/dropped/.test(message) || fault(faultOf(fields, message))),
    },
  });

  const receipts: Receipt<string>[] = [];
  const calls: Promise<void>[] = [];
  const attempt = (call: Promise<unknown>): void => void calls.push(expectAnswer(fault, call));
  for (let step = 0; step < 120; step++) await takeStep(step, { keeper, clock, chance, receipts, attempt });
  for (const key of [undefined, ...sessions]) attempt(keeper.resume(key));
  if (chance.next() < 0.7) {
    await clock.advance(longMs);
    await expectRest(keeper, fault);
  }
  const closed = keeper.close();
  await clock.advance(longMs);
  await closed;
  await Promise.all(calls);
  for (const { id, outcome } of receipts) {
    const ended = await Promise.race([outcome, clock.settle()]);
    if (ended === undefined) fault(`B33 no outcome: ${id}`);
  }
  for (const { rule, sentence } of checkInvariants(recorder.recording, { earlyMs: 0 }))
    fault(`${rule} ${sentence}`);
  return faults;
}

/** A line of the log that must not be, with its error. */
function faultOf(fields: object, message: string): string {
  const { error } = fields as { readonly error?: Error };
  return error === undefined ? message : `${message} ${error.message}`;
}

interface Scene {
  readonly keeper: Lanekeeper<string, string>;
  readonly clock: SimulatedClock;
  readonly chance: Chance;
  readonly receipts: Receipt<string>[];
  readonly attempt: (call: Promise<unknown>) => void;
}

/** Groups with and without reservations; one slot at least is for everybody. */
function randomCapacity(chance: Chance): CapacityOptions {
  const turns = 2 + chance.below(3);
  return { turns, groups: { batch: { limit: 1 + chance.below(2), reserved: chance.below(2) } } };
}

function randomLane(chance: Chance): LaneSettings {
  return {
    stallAfterMs: 1_000,
    reclaimAfterMs: 3_000,
    turnTimeoutMs: 8_000,
    abortGraceMs: chance.pick([0, 500, 1_500]),
    passivateAfterMs: chance.pick([0, 500, 5_000]),
    dedupeMs: chance.pick([0, 1_000, 100_000]),
    retry: { attempts: 1 + chance.below(3), baseMs: 200, maxMs: 1_000 },
    maxReclaims: chance.below(2),
    cap: chance.pick([3, 20]),
    overflow: chance.pick(["reject", "drop-oldest", "drop-newest", "summarize"]),
    mode: chance.pick(["followup", "collect", "steer"]),
    debounceMs: chance.pick([0, 400]),
    debounceMaxMs: 2_000,
    eventCap: chance.pick([2, 50]),
  };
}

async function takeStep(step: number, { keeper, clock, chance, receipts, attempt }: Scene): Promise<void> {
  const key = chance.pick(sessions);
  const keep = (receipt: Receipt<string>): void => void receipts.push(receipt);
  const which = chance.next();
  if (which < 0.4) {
    const id = `m${step}`;
    const mode = chance.pick(modes);
    const options = {
      id,
      mode,
      priority: chance.pick([undefined, "background"] as const),
      group: chance.pick([undefined, undefined, "batch"]),
      expiresInMs: chance.pick([undefined, undefined, 1_000]),
    };
    attempt(keeper.send(key, id, options).then(keep));
  } else if (which < 0.5) {
    const event = { kind: "note", key: chance.next() < 0.3 ? "same" : undefined };
    attempt(keeper.notify(key, event, { wake: chance.next() < 0.7 }).then(keep));
  } else if (which < 0.53 && receipts.length > 0) attempt(chance.pick(receipts).cancel());
  else if (which < 0.55) keeper.wake(key, { reason: "why" });
  else if (which < 0.6) attempt(keeper.abort(key));
  else if (which < 0.64) attempt(keeper.reset(key));
  else if (which < 0.68) attempt(keeper.pause(chance.pick([key, undefined])));
  else if (which < 0.74) attempt(keeper.resume(chance.pick([key, undefined])));
  else if (which < 0.76) attempt(keeper.clear(key, { events: chance.next() < 0.5 }));
  else if (which < 0.8)
    attempt(keeper.exec(key, "command", [], { timeoutMs: 2_000 }).then(({ done }) => done));
  else if (which < 0.81) keeper.setCapacity(randomCapacity(chance));
  else if (which < 0.82) attempt(keeper.forget(key));
  else if (which < 0.83) {
    const [letter] = await Promise.race([keeper.deadLetters({ limit: 1 }), clock.settle().then(() => [])]);
    if (letter !== undefined) attempt(keeper.redrive(letter.id));
  } else if (which < 0.84) await clock.suspend(chance.below(10_000));
  else await clock.advance(chance.below(1_500));
}

/** Any answer but the refusals that the rules allow is a fault. */
async function expectAnswer(fault: (what: string) => void, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const isAllowed =
      error instanceof LanekeeperError &&
      ["LANE_BUSY", "LANE_FULL", "CLOSED", "NOT_FOUND"].includes(error.code);
    if (!isAllowed) fault(`refused: ${String(error)}`);
  }
}

/** Long after the last call nothing runs, nothing waits but events that may not start a turn, and every session says so. */
async function expectRest(keeper: Lanekeeper<string, string>, fault: (what: string) => void): Promise<void> {
  const { running, stalled } = keeper.stats();
  if (running + stalled > 0) fault(`B26 still running: ${running}, stalled: ${stalled}`);
  for (const key of sessions) {
    const { blockedBy, sentence } = keeper.explain(key);
    if (blockedBy !== "nothing-to-do") fault(`B60 ${key}: ${sentence}`);
    const left = (await keeper.mailbox(key)).filter(({ type }) => type === "message");
    if (left.length > 0) fault(`B33 ${left.length} messages left in ${key}`);
  }
}

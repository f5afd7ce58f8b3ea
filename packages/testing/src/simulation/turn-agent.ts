import { type Lock, PermanentError, type Receipt, type Turn } from "lanekeeper";
import type { Chance } from "../chance.ts";
import { lockNames, type TurnPlace } from "./setup.ts";

/** What a turn of the simulation may reach besides its place. */
export interface AgentPlace extends TurnPlace {
  readonly sessions: readonly string[];
  /** A name for something of this turn, the same in every run that has this turn. */
  readonly name: string;
  /** Sends on behalf of the turn, so that what becomes of it is looked at as of every other message. */
  send(sessionKey: string, id: string, mode: "followup" | "collect" | "steer"): Promise<Receipt<string>>;
  notify(sessionKey: string, id: string, wake: boolean): Promise<Receipt<string>>;
  /** It has taken a lock; to be called when it has given it back. */
  holds(lock: Lock): () => void;
  /** Some command elsewhere, which it has announced, ends after so long. */
  reportLater(ms: number, execId: string, exitCode: number): void;
}

/** What the id of an event ends with that may wait for ever. */
export const quietly = "quietly";

/** A way in which a turn goes. */
type Way = (turn: Turn<string>, place: AgentPlace) => unknown;

/**
 * A turn handler that does whatever goes wrong: hangs, throws, comes late, ignores its abort, runs commands, takes its
 * steering or not, sends to others and waits for them, also in circles, holds locks. Decided by its place's chance alone.
 */
export function actAtRandom(turn: Turn<string>, place: AgentPlace): unknown {
  let left = place.chance.below(total);
  for (const [weight, way] of ways) {
    left -= weight;
    if (left < 0) return way(turn, place);
  }
  return "done";
}

const ways: readonly (readonly [number, Way])[] = [
  [250, quickly],
  [200, workInSteps],
  [120, sleepAndReturn],
  [40, hang],
  [60, hangUntilAborted],
  [50, (_, { chance }) => fail(chance)],
  [30, () => oddThenable()],
  [100, runCommand],
  [70, askAnother],
  [50, tellOthers],
  [50, waitForSomebody],
  [60, holdLock],
  [40, expectElsewhere],
];
const total = ways.reduce((sum, [weight]) => sum + weight, 0);

function quickly({ assertCurrent, id }: Turn<string>, { chance }: AgentPlace): string {
  assertCurrent();
  return `done by ${chance.below(1_000)} ${id.length}`;
}

async function workInSteps(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance } = place;
  for (let steps = 1 + chance.below(6); steps > 0; steps--) {
    await sleep(place, chance.below(2_500));
    const what = chance.below(4);
    if (what === 0) turn.progress(chance.pick([undefined, "on it"]));
    else if (what === 1) turn.emit({ step: steps });
    else if (what === 2) turn.takeSteering();
  }
  return end(turn, place);
}

async function sleepAndReturn(turn: Turn<string>, place: AgentPlace): Promise<string> {
  // Now and then longer than any deadline.
  await sleep(place, place.chance.below(place.chance.pick([500, 5_000, 60_000])));
  return end(turn, place);
}

function hang(): Promise<never> {
  return new Promise(() => {});
}

async function hangUntilAborted(turn: Turn<string>, place: AgentPlace): Promise<string> {
  await aborted(turn);
  await sleep(place, place.chance.pick([0, 100, 2_000, 10_000]));
  turn.progress("too late");
  turn.takeSteering();
  if (place.chance.happens(0.5)) throw turn.signal.reason;
  return "after the abort";
}

function fail(chance: Chance): never {
  const kind = chance.below(4);
  if (kind === 0) throw new PermanentError("for good");
  // What hosts throw is not always an error (B7).
  // oxlint-disable-next-line typescript/only-throw-error
  if (kind === 1) throw "a text";
  throw new Error("this time");
}

/** Settles twice, and throws besides (B7). */
function oddThenable(): object {
  return {
    // oxlint-disable-next-line unicorn/no-thenable
    then(resolve: (value: string) => void, reject: (error: Error) => void) {
      resolve("first");
      reject(new Error("second"));
      throw new Error("third");
    },
  };
}

async function runCommand(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance, name } = place;
  const foreground = chance.happens(0.5);
  const timeoutMs = chance.pick([1_000, 30_000]);
  const execution = await turn.exec("run", [chance.happens(0.05) ? "missing" : name], {
    foreground,
    timeoutMs,
  });
  if (chance.happens(0.2)) execution.kill();
  if (foreground || chance.happens(0.2)) await Promise.race([execution.done, aborted(turn)]);
  return end(turn, place);
}

async function askAnother(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance, name, sessions } = place;
  // Asked by the asked, and so on: not for ever.
  if (depthOf(name) > 2) return "asked enough";
  const asked = Array.from({ length: 1 + chance.below(2) }, async (_, index) => {
    const session = chance.happens(0.1) ? turn.sessionKey : chance.pick(sessions);
    const receipt = await place.send(
      session,
      `${name}>${index}`,
      chance.pick(["followup", "collect", "steer"]),
    );
    return chance.happens(0.8) ? receipt.reply() : undefined;
  });
  const replies = await (chance.happens(0.3) ? Promise.any(asked) : Promise.allSettled(asked));
  return `${String(Array.isArray(replies) ? replies.length : 1)} ${await end(turn, place)}`;
}

async function tellOthers(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance, name, keeper, sessions } = place;
  const session = chance.pick([turn.sessionKey, chance.pick(sessions)]);
  if (depthOf(name) > 2) return "told enough";
  keeper.wake(session, { reason: `for ${name}`, coalesceMs: chance.pick([0, 250]) });
  const wake = chance.happens(0.5);
  await place.notify(session, `${name}>${wake ? "told" : quietly}`, wake);
  return end(turn, place);
}

async function waitForSomebody(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance, clock } = place;
  const wait = sleep(place, chance.below(40_000));
  await turn.waiting("a human", clock.now() + chance.below(40_000), wait);
  return end(turn, place);
}

async function holdLock(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance } = place;
  const options = { ttlMs: chance.pick([1_000, 5_000]), waitMs: chance.pick([0, 5_000]) };
  const name = chance.pick(lockNames);
  if (chance.happens(0.3)) {
    const lock = await turn.locks.acquire(name, options);
    const released = place.holds(lock);
    await sleep(place, chance.below(4_000));
    if (chance.happens(0.7)) {
      released();
      await lock.release();
    }
  } else {
    const work = (lock: Lock): Promise<void> => sleep(place, chance.below(6_000)).finally(place.holds(lock));
    await turn.locks.using(name, work, options);
  }
  return end(turn, place);
}

async function expectElsewhere(turn: Turn<string>, place: AgentPlace): Promise<string> {
  const { chance } = place;
  const execId = `${place.name}>elsewhere`;
  await turn.expectExec(execId, { timeoutMs: chance.pick([1_000, 20_000]) });
  if (chance.happens(0.8)) place.reportLater(chance.below(10_000), execId, chance.below(2));
  return end(turn, place);
}

/** Most turns that come so far return; some fail. */
async function end(turn: Turn<string>, { chance }: AgentPlace): Promise<string> {
  if (chance.happens(0.5)) turn.takeSteering();
  if (chance.happens(0.15)) fail(chance);
  if (chance.happens(0.5)) turn.assertCurrent();
  return "done";
}

function sleep({ clock }: AgentPlace, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, ms));
}

function aborted({ signal }: Turn<string>): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function depthOf(name: string): number {
  return name.split(">").length;
}

import type { KeeperProcess } from "./keeper-process.ts";
import type { Life } from "./life.ts";
import { longestDelayMs } from "./faults.ts";
import { keeperOfAgent, lockNames, longestTtlMs, longMemoryMs } from "./setup.ts";
import { quietly } from "./turn-agent.ts";
import type { World } from "./world.ts";

/** What is not at rest. */
interface Unrest {
  readonly rule: string;
  readonly claim: string;
  readonly sentence: string;
}

/** True milliseconds until the first look. */
const lookEveryMs = 5_000;
/** True milliseconds after which what does not come to rest never will. */
const restMs = 2 * 3_600_000;
/** True milliseconds between two looks at keepers that close. */
const closingLookMs = 500;
/** True milliseconds after which a keeper must have closed, whatever its turns do. */
const closeMs = 600_000;
/** After so many timers of a turn that threw, one after the other, another will. */
const mostThrown = 1_000;

/**
 * Ends a run: the faults stop, what is paused goes on, heartbeats are turned off, and everything comes to rest. Says what does
 * not, closes every keeper, and says what has no answer.
 */
export async function comeToRest(world: World): Promise<void> {
  world.isCalm = true;
  // What was asked of a process that slept is asked when it wakes, and a little late: only then nothing more is paused.
  for (let waited = 0, served = 0; served < 2; waited += lookEveryMs) {
    if (waited > restMs) {
      for (const process of world.processes)
        if (!isServing(process))
          world.violate(
            "B33",
            "A keeper starts again.",
            `k${process.index + 1} does not start${causeOf(process)}`,
          );
      return;
    }
    await world.advance(lookEveryMs);
    served = world.processes.every(isServing) ? served + 1 : 0;
  }
  const lives = world.processes.map(({ life }) => life!);
  for (const life of lives) letGo(world, life);
  let left: readonly Unrest[] = [];
  const begun = world.now;
  // Looked at ever less often: most is at rest soon, and each look is in the recordings.
  for (let ms = lookEveryMs; world.now - begun < restMs; ms *= 1.5) {
    await world.advance(ms);
    left = await findUnrest(world, lives);
    if (left.length === 0) break;
  }
  for (const { rule, claim, sentence } of left) world.violate(rule, claim, sentence);
  // Leases that nobody renews any more run out, those too that were asked for late.
  await world.advance(longestDelayMs + longestTtlMs);
  await checkEnds(world);
  await closeAll(world, lives);
  for (const { index, commands } of world.processes) {
    for (const name of commands.running)
      world.violate(
        "B37",
        "No command outlives its keeper's close.",
        `k${index + 1}: the command ${name} still runs`,
      );
  }
}

function isServing({ life }: KeeperProcess): boolean {
  return life?.clock.isAwake === true && !life.isClosing;
}

function causeOf({ failure }: KeeperProcess): string {
  return failure === undefined ? "" : `: ${failure.message}`;
}

function letGo(world: World, life: Life): void {
  const { setup, processes } = world;
  const { keeper } = life;
  for (const { agent } of setup.heartbeats) {
    if (processes[keeperOfAgent(setup, agent)]!.life === life)
      void life.call("heartbeat.disable", () => keeper.heartbeat(agent).disable());
  }
  for (const session of [undefined, ...setup.sessions.filter((key) => world.processOf(key).life === life)])
    void life.call("resume", () => keeper.resume(session));
  void life.call("setCapacity", () => keeper.setCapacity(setup.capacity));
}

/** What is not at rest: sessions with work, calls without an answer, outcomes that are open, locks that are held. */
async function findUnrest(world: World, lives: readonly Life[]): Promise<readonly Unrest[]> {
  const left: Unrest[] = [];
  const add = (rule: string, claim: string, sentence: string): void =>
    void left.push({ rule, claim, sentence });
  for (const session of world.setup.sessions) {
    const { life } = world.processOf(session);
    if (life === undefined) continue;
    const { blockedBy, sentence, facts } = life.keeper.explain(session);
    if (blockedBy !== "nothing-to-do")
      add("B60", "In the end no session has anything to do.", `${session}: ${sentence}`);
    else if (facts["wakeInMs"] !== undefined || facts["completionsHeldMs"] !== undefined)
      add("B40", "In the end no session waits for a wake.", `${session} waits for a wake`);
  }
  for (const life of lives) {
    for (const method of life.unanswered.values())
      add("B33", "Every call is answered.", `${life.name}: ${method} has no answer`);
    for (const { name, state } of life.keeper.locks.holders())
      add("B54", "In the end no lock is held.", `${life.name}: ${name} is ${state}`);
  }
  if (left.length > 0) return left;
  for (const session of world.setup.sessions) {
    const { life } = world.processOf(session);
    if (life === undefined) continue;
    const waiting = new Set((await world.until(life.keeper.mailbox(session))).map(({ id }) => id));
    for (const id of waiting)
      if (!world.quiet.has(`${session} ${id}`) && !id.endsWith(quietly))
        add(
          "B9",
          "In the end nothing waits that nothing holds up.",
          `${session}: ${id} waits though nothing holds it up`,
        );
    for (const key of life.open) {
      if (key.startsWith(`${session} `) && !waiting.has(key.slice(session.length + 1)))
        add("B33", "What is finished has an outcome.", `${key} is finished, and its outcome is open`);
    }
  }
  return left;
}

/** Everything that was accepted in whichever life has ended, or waits where it may; the leases are free. */
async function checkEnds(world: World): Promise<void> {
  for (const { keeper, sessionKey, id } of world.ids.values()) {
    const { lane, lanes } = world.setup;
    const dedupeMs = lanes.get(sessionKey)?.dedupeMs ?? lane.dedupeMs ?? 0;
    const life = world.processes[keeper]?.life;
    if (dedupeMs < longMemoryMs || life === undefined) continue;
    if ((await world.until(life.keeper.attach(sessionKey, id))) === undefined)
      world.violate(
        "B23",
        "What was accepted is known.",
        `${sessionKey} ${id} was accepted, and nothing is known of it`,
      );
  }
  for (const name of lockNames)
    if (!(await comesFree(world, name)))
      world.violate("B54", "In the end every lease is free.", `the lease of ${name} is not free`);
}

/** Whether nobody has a lock. A command that ended only now may have started a turn that takes it for a while. */
async function comesFree(world: World, name: string): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    const { acquired } = await world.leases.acquire(name, "the end of the run", 1);
    if (acquired) return true;
    await world.advance(longestTtlMs);
  }
  return false;
}

async function closeAll(world: World, lives: readonly Life[]): Promise<void> {
  for (const life of lives) void life.call("close", () => life.keeper.close());
  const isOpen = ({ unanswered }: Life): boolean => unanswered.size > 0;
  for (let waited = 0; waited < closeMs && lives.some(isOpen); waited += closingLookMs)
    await world.advance(closingLookMs);
  for (const life of lives) {
    for (const method of life.unanswered.values())
      world.violate(
        "B58",
        "After close every call is answered.",
        `${life.name}: ${method} has no answer after close`,
      );
    for (const key of life.open)
      world.violate(
        "B58",
        "After close every outcome is known.",
        `${life.name}: the outcome of ${key} is open after close`,
      );
  }
}

/**
 * Ends what a run has left, where nobody sees it: timers of keepers that never closed would stay in this process. Rejects with
 * what a timer has thrown meanwhile, once all is buried.
 */
export async function bury(world: World): Promise<void> {
  world.isOver = true;
  const thrown: unknown[] = [];
  for (const process of world.processes) {
    await process.end();
    for (const life of process.lives) if (life.hasStarted) thrown.push(...(await buryLife(world, life)));
  }
  if (thrown.length > 0) throw thrown[0];
}

/** Resolves with what timers of its turns have thrown. */
async function buryLife(
  world: World,
  { name, clock, keeper, unanswered }: Life,
): Promise<readonly unknown[]> {
  const thrown: unknown[] = [];
  let isClosed = false;
  const closing = keeper.close().then(
    () => (isClosed = true),
    () => (isClosed = true),
  );
  for (let isBuried = false; !isBuried && thrown.length < mostThrown;) {
    try {
      await clock.bury(closing);
      isBuried = true;
    } catch (error) {
      thrown.push(error);
    }
  }
  if (!isClosed)
    world.violate(
      "B58",
      "The close of a killed keeper ends.",
      `${name} was killed, and its close would never have ended`,
    );
  for (const method of unanswered.values()) {
    // The work of `using` is a client's, who died as well.
    if (method === "locks.using") continue;
    world.violate(
      "B58",
      "The close of a killed keeper answers every call.",
      `${name} was killed, and its close would have left ${method} without an answer`,
    );
  }
  return thrown;
}

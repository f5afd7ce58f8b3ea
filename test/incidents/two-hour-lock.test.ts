import { createLanekeeper, type LanekeeperEvent, type Lanekeeper, type Lock } from "lanekeeper";
import { memoryLeases } from "lanekeeper/ports";
import { expect, onTestFinished, test } from "vitest";
import { type ProcessClock, type VirtualTime, createVirtualTime } from "@lanekeeper/testing";
import { type Fate, type LeaseCommand, scriptLeases, type ScriptedLeases } from "@lanekeeper/testing";

/**
 * simstudioai/sim#4286: after a process died, its chats refused every message for up to two hours, because their lock had a
 * lease of two hours and nobody alive to give it back. The first repair (a minute, extended every 20 s) still sent an
 * extension at each tick beside those that hung, went on working when the lock was lost, and stopped extending for an
 * hour when the wall clock was stepped back an hour (incidents.md, I5; B49–B54a).
 */

const second = 1_000;
const hour = 3_600_000;
const ttlMs = 60_000;
const chat = "chat:1";

interface Process {
  readonly keeper: Lanekeeper;
  readonly clock: ProcessClock;
  readonly events: readonly LanekeeperEvent[];
}
interface Scene {
  readonly time: VirtualTime;
  readonly leases: ScriptedLeases;
  /** What becomes of each command from now on. */
  script(fateOf: (command: LeaseCommand) => Fate): void;
  start(): Promise<Process>;
}

function stage(): Scene {
  const time = createVirtualTime();
  let fate: (command: LeaseCommand) => Fate = () => ({});
  const leases = scriptLeases(
    memoryLeases(() => time.clock),
    (ms, callback) => time.after(ms, callback),
    (command) => fate(command),
  );
  return {
    time,
    leases,
    script: (fateOf) => void (fate = fateOf),
    async start() {
      const clock = time.process();
      const line = (): void => {};
      const logger = { debug: line, info: line, warn: line, error: line };
      const keeper = await createLanekeeper({ clock, leases, logger, turn: () => undefined });
      const events: LanekeeperEvent[] = [];
      keeper.events$.subscribe((event) => events.push(event));
      onTestFinished(async () => {
        fate = () => ({});
        // One whose process was killed never closes.
        await Promise.race([keeper.close(), time.advance(hour)]);
      });
      return { keeper, clock, events };
    },
  };
}

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}

test("B51 a holder that dies is replaced within 60 s, and the chat goes on", async () => {
  const { time, start } = stage();
  const [dying, heir] = [await start(), await start()];
  await dying.keeper.locks.acquire(chat, { ttlMs });
  await time.advance(10 * 60 * second);
  dying.clock.end();
  const inherited = heir.keeper.locks.acquire(chat, { ttlMs, waitMs: 2 * hour });
  await time.advance(60 * second);
  expect((await inherited).state).toBe("busy");
});

test("B49 B50 while it lives and renews, nobody else ever holds the lock", async () => {
  const { time, start } = stage();
  const [living, others] = [await start(), [await start(), await start()]];
  const lock = await living.keeper.locks.acquire(chat, { ttlMs });
  const got: Lock[] = [];
  for (const { keeper } of others) {
    void keeper.locks.acquire(chat, { ttlMs, waitMs: 24 * hour }).then(
      (other) => got.push(other),
      () => {}, // its keeper closes
    );
  }
  await time.advance(12 * hour, () => expect(isHeld(lock)).toBe(true));
  expect(got).toEqual([]);
  await lock.release();
  await time.advance(second);
  expect(got).toHaveLength(1);
});

test("B50 no more than one renewal is in flight when the store hangs", async () => {
  const { time, leases, script, start } = stage();
  const { keeper } = await start();
  await keeper.locks.acquire(chat, { ttlMs });
  script(() => ({ fault: "never-arrives" }));
  await time.advance(hour);
  expect(leases.renewals).toEqual({ inFlight: 1, mostInFlight: 1 });
});

test("B49 the stream is aborted when ownership is lost, before anybody else can own it", async () => {
  for (const fault of ["never-arrives", "fails", "disowns"] as const) {
    const { time, script, start } = stage();
    const [losing, other] = [await start(), await start()];
    let stream: AbortSignal | undefined;
    const streaming = losing.keeper.locks.using(
      chat,
      async ({ signal }) => {
        stream = signal;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      { ttlMs },
    );
    streaming.catch(() => {});
    await time.advance(second);
    script(({ type }) => (type === "renew" ? { fault } : {}));
    let wasAborted: boolean | undefined;
    void other.keeper.locks.acquire(chat, { ttlMs, waitMs: hour }).then(() => (wasAborted = stream?.aborted));
    await time.advance(2 * ttlMs);
    expect([fault, stream?.aborted, wasAborted]).toEqual([fault, true, true]);
    await expect(streaming).rejects.toMatchObject({ code: "LOCK_LOST" });
  }
});

test("B49 a wall clock stepped back an hour delays no renewal", async () => {
  const { time, leases, start } = stage();
  const { keeper, clock } = await start();
  const lock = await keeper.locks.acquire(chat, { ttlMs });
  clock.step(-hour);
  await time.advance(10 * 60 * second, () => expect(isHeld(lock)).toBe(true));
  expect(leases.commands.filter(({ type }) => type === "renew")).toHaveLength(30);
});

test("B49 a wall clock stepped forward an hour takes no lock from a healthy holder", async () => {
  const { time, start } = stage();
  const { keeper, clock, events } = await start();
  const lock = await keeper.locks.acquire(chat, { ttlMs });
  await time.advance(5 * second);
  clock.step(hour);
  await time.advance(10 * 60 * second);
  expect([isHeld(lock), lock.state, lock.signal.aborted]).toEqual([true, "busy", false]);
  expect(events.filter(({ type }) => type === "lock.lost")).toEqual([]);
});

test("B49 after a sleep longer than the lease assertHeld() throws from its first call on", async () => {
  const { time, start } = stage();
  const [sleeper, other] = [await start(), await start()];
  const lock = await sleeper.keeper.locks.acquire(chat, { ttlMs });
  await time.advance(5 * second);
  sleeper.clock.sleep(2 * ttlMs);
  const taken = await Promise.all([
    other.keeper.locks.acquire(chat, { ttlMs, waitMs: hour }),
    time.advance(2 * ttlMs - 1),
  ]);
  // The very instant it wakes: not one of its timers has fired.
  await time.advance(1);
  expect([isHeld(lock), lock.signal.aborted, isHeld(taken[0])]).toEqual([false, false, true]);
  await time.advance(second);
  expect([lock.state, lock.signal.aborted]).toEqual(["reclaimed", true]);
});

test("B49 after a sleep in which nobody took the lock, the next renewal confirms it", async () => {
  const { time, start } = stage();
  const { keeper, clock } = await start();
  const lock = await keeper.locks.acquire(chat, { ttlMs });
  await time.advance(5 * second);
  clock.sleep(30 * second);
  await time.advance(30 * second);
  expect([isHeld(lock), lock.state]).toEqual([false, "stalled"]);
  await time.advance(second);
  expect([isHeld(lock), lock.state, lock.signal.aborted]).toEqual([true, "busy", false]);
});

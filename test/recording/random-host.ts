import { type Chance, scriptedProcesses } from "@lanekeeper/testing";
import {
  createLanekeeper,
  type LanekeeperOptions,
  type Lanekeeper,
  type Lock,
  type Receipt,
} from "lanekeeper";
import type { Processes } from "lanekeeper/ports";
import { createBusyAgent } from "./busy-agent.ts";

/** Where a host lives. */
export interface Surroundings extends Pick<LanekeeperOptions, "store" | "leases" | "clock" | "recorder"> {
  readonly chance: Chance;
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>;
  /** Calls back after so many milliseconds. */
  after(ms: number, callback: () => void): void;
  /** Milliseconds that things take here: a turn takes some of them. */
  readonly unitMs: number;
  /** The keeper is there. */
  begun?(): void;
  /** Default: scripted ones, which end after a while. */
  readonly processes?: Processes;
}

const sessions = ["agent:main:main", "agent:other:main", "a", "b"] as const;
const modes = ["followup", "collect", "steer", "interrupt", "reject"] as const;
const acts = 90;

/**
 * A host that calls everything there is, on every occasion: from outside, from turns, from subscribers in the middle of a
 * step, from listeners of signals, under locks. It expects nothing of the answers.
 */
export async function liveAsHost(around: Surroundings): Promise<void> {
  const { chance, pass, after, unitMs, clock, store, leases, recorder } = around;
  const some = (units: number): number => chance.below(units * unitMs);
  const calls: Promise<unknown>[] = [];
  const attempt = (call: () => unknown): void => {
    try {
      calls.push(Promise.resolve(call()).catch(() => {}));
    } catch {
      // Refused at once.
    }
  };
  const processes =
    around.processes ??
    scriptedProcesses({
      missing: ["missing"],
      obeys: ["SIGKILL"],
      onStart(process) {
        process.write("begun, secretly");
        after(some(20), () => process.write("more"));
        after(some(40), () => process.end(chance.below(2)));
      },
    });
  const options: LanekeeperOptions = {
    store,
    leases,
    clock,
    recorder,
    processes,
    logger: quiet,
    capacity: { turns: 2 + chance.below(3), groups: { batch: { limit: 1 }, heartbeat: { limit: 1 } } },
    lane: {
      stallAfterMs: 10 * unitMs,
      reclaimAfterMs: 20 * unitMs,
      turnTimeoutMs: 60 * unitMs,
      abortGraceMs: 5 * unitMs,
      passivateAfterMs: chance.pick([0, 5 * unitMs, 60_000]),
      dedupeMs: chance.pick([0, 20 * unitMs]),
      retry: { attempts: 2, baseMs: unitMs, maxMs: 4 * unitMs },
      maxReclaims: chance.below(2),
      cap: chance.pick([3, 20]),
      overflow: chance.pick(["drop-oldest", "summarize"]),
      debounceMs: 3 * unitMs,
      debounceMaxMs: 9 * unitMs,
      summarize: (body) => String(body),
    },
    laneFor(sessionKey) {
      if (chance.happens(0.1)) throw new Error("no lane today");
      return sessionKey === "a" ? { mode: "collect", retry: { attempts: 1 } } : undefined;
    },
    heartbeats: ["main", "other"].map((agent) => ({
      agent,
      everyMs: 50 * unitMs,
      minSpacingMs: 10 * unitMs,
    })),
    exec: { timeoutMs: 30 * unitMs, killGraceMs: 5 * unitMs, tailChars: 20 },
    random: () => chance.next(),
    turn: createBusyAgent({ ...around, keeper: () => keeper, attempt, sessions }),
  };
  const keeper: Lanekeeper = await createLanekeeper(options);
  around.begun?.();

  const receipts: Receipt[] = [];
  const held: Lock[] = [];
  const keep = async (receipt: Promise<Receipt | undefined>): Promise<void> => {
    const kept = await receipt;
    if (kept !== undefined) receipts.push(kept);
  };
  keeper.events$.subscribe((event) => {
    if (chance.happens(0.02)) attempt(() => keeper.stats());
    if (chance.happens(0.01) && "sessionKey" in event) attempt(() => keeper.explain(event.sessionKey!));
    if (chance.happens(0.01)) attempt(() => keep(keeper.notify("b", { kind: event.type }, { wake: false })));
    if (chance.happens(0.01)) throw new Error("a subscriber that throws");
  });

  const one = async (): Promise<void> => {
    const key = chance.pick(sessions);
    const controller = new AbortController();
    if (chance.happens(0.2)) after(some(10), () => controller.abort(new Error("never mind")));
    const { signal } = controller;
    const all: readonly (() => unknown)[] = [
      () =>
        keep(
          keeper.send(key, chance.pick(["a secret", { nested: [1n, undefined, "secret"] }]), {
            mode: chance.pick(modes),
            ...chance.pick([{}, {}, { signal }, { id: `m${chance.below(20)}` }, { group: "batch" }]),
            ...chance.pick([{}, { expiresInMs: 1 + some(10) }, { meta: { from: "secret" } }]),
          }),
        ),
      () => keep(keeper.send(key, "again", { mode: "steer", priority: "background" })),
      () => keep(keeper.notify(key, { kind: "note", body: "secret", key: chance.pick([undefined, "same"]) })),
      () => keeper.wake(key, { coalesceMs: some(5), reason: "why" }),
      () =>
        keeper
          .exec(key, chance.pick(["work", "missing"]), ["secret"])
          .then(({ kill }) => after(some(9), () => kill())),
      () => keeper.expectExec(key, `x${chance.below(9)}`, { timeoutMs: some(40) }),
      () =>
        keeper.reportExec({
          execId: `x${chance.below(9)}`,
          exitCode: 0,
          output: "secretly done",
          sessionKey: key,
        }),
      () => keeper.heartbeat(chance.pick(["main", "other", "nobody"])).request(),
      () => keeper.heartbeat("main")[chance.pick(["enable", "disable", "inspect"] as const)](),
      () =>
        keeper.locks
          .acquire(chance.pick(["file", "index"]), { waitMs: some(30), ttlMs: 60 * 1_000, signal })
          .then((lock) => held.push(lock)),
      () => keeper.locks.tryAcquire("file").then((lock) => lock?.release()),
      () =>
        keeper.locks.using("index", async (lock) => {
          await new Promise<void>((resolve) => after(some(5), resolve));
          lock.assertHeld();
          await keeper.locks.using("index", () => "never");
        }),
      () => held.shift()?.release(),
      () => held.map((lock) => lock.state),
      () => keeper.locks.holders(),
      () => receipts.length > 0 && chance.pick(receipts).cancel("no more"),
      () => receipts.length > 0 && chance.pick(receipts).reply(),
      () => keep(keeper.attach(key, `m${chance.below(20)}`)),
      () => keeper.abort(key, "enough"),
      () => keeper.reset(key),
      () => keeper.clear(key, { events: chance.happens(0.5) }),
      () => keeper.pause(chance.pick([key, undefined])),
      () => keeper.resume(chance.pick([key, undefined])),
      () => keeper.forget(key),
      () => keeper.setCapacity({ turns: 1 + chance.below(4), groups: { batch: { limit: 1 } } }),
      () => keeper.sessions({ limit: 1 + chance.below(5) }),
      () => keeper.mailbox(key),
      () => keeper.session(key),
      () => keeper.explain(key),
      () =>
        keeper.deadLetters({ limit: 3 }).then(([letter]) => {
          if (letter !== undefined) attempt(() => keep(keeper.redrive(letter.id)));
        }),
      () => keeper.discard("none"),
    ];
    attempt(chance.happens(0.4) ? all[0]! : chance.pick(all));
    if (chance.happens(0.5)) await pass(some(8));
  };
  for (let act = 0; act < acts; act++) await one();
  for (const key of [undefined, ...sessions]) attempt(() => keeper.resume(key));
  await pass(some(60));
  if (chance.happens(0.3)) attempt(() => keeper.drain({ timeoutMs: 10 * unitMs }));
  await pass(some(60));
  for (const lock of held) attempt(() => lock.release());
  await passUntil(keeper.close(), () => pass(50 * unitMs));
}

/** Lets time pass until something has settled. */
async function passUntil(settled: Promise<unknown>, pass: () => Promise<void>): Promise<void> {
  const over = Symbol("over");
  const ended = settled.then(
    () => over,
    () => over,
  );
  while ((await Promise.race([ended, pass()])) !== over);
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

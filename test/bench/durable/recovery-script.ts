import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper, type Lanekeeper } from "lanekeeper";
import { writeSync } from "node:fs";
import { type Recovery, slots } from "./recovery.ts";

// One step of the measurement of recovery, in a process of its own: its end is a kill -9.

const [step, path = "", sessions = "", messagesEach = ""] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Messages that are sent before the first of them is awaited. */
const batch = 1_000;
/** What people write, on average. */
const text = "a message of some sixty characters, as people write them, yes";

/** A keeper whose turns never end. */
async function open(started: () => void): Promise<Lanekeeper> {
  return createLanekeeper({
    store: sqliteStore(path),
    capacity: { turns: slots },
    lane: { cap: 1_000 },
    logger: silent,
    turn: () => {
      started();
      return new Promise(() => {});
    },
  });
}

async function fill(): Promise<void> {
  const keeper = await open(() => {});
  let sent: Promise<unknown>[] = [];
  // Session by session: a store keeps those in memory that were used last.
  for (let session = 0; session < Number(sessions); session++) {
    for (let message = 0; message < Number(messagesEach); message++)
      sent.push(keeper.send(`agent:main:session:${session}`, { text }));
    if (sent.length < batch) continue;
    await Promise.all(sent);
    sent = [];
  }
  await Promise.all(sent);
}

async function measure(): Promise<Recovery> {
  const { promise: started, resolve: start } = Promise.withResolvers<number>();
  const begin = performance.now();
  const since = (): number => performance.now() - begin;
  const keeper = await open(() => start(since()));
  const readyMs = since();
  const { user, system } = process.cpuUsage();
  const megabytes = (bytes: number): number => bytes / 1_048_576;
  const readyMegabytes = megabytes(process.memoryUsage.rss());
  const firstTurnMs = await started;
  while (keeper.stats().live < Number(sessions)) await new Promise((resolve) => setImmediate(resolve));
  const { live, waiting } = keeper.stats();
  return {
    readyMs,
    readyCpuMs: (user + system) / 1_000,
    firstTurnMs,
    allLanesMs: since(),
    waiting,
    live,
    readyMegabytes,
    mostMegabytes: process.resourceUsage().maxRSS / 1_024,
  };
}

if (step === "fill") await fill();
else writeSync(1, JSON.stringify(await measure()));
process.kill(process.pid, "SIGKILL");

import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { provideRedis, startRedis } from "../../redis/redis-server.ts";
import { median } from "../rounds.ts";
import { bullmq, type Contender, graphileWorker, lanekeeper } from "./contenders.ts";
import { startPostgres } from "./postgres-server.ts";
import { compareRates, type Rates } from "./rates.ts";
import { type Backlog, measureRecovery, type Recovery } from "./recovery.ts";

/** Everything a run of the durable bench found. */
export interface DurableReport {
  readonly node: string;
  readonly cores: number;
  /** Milliseconds that one sync of a small write takes on this disk. */
  readonly syncMs: number;
  readonly rates: readonly Rates[];
  /** Peers that could not be had, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
  readonly recoveries: readonly (Backlog & { readonly found: Recovery })[];
  readonly tookSeconds: number;
}

/** A peer's contenders and how to end what they run on. */
interface Peer {
  readonly name: string;
  start(): Promise<{ readonly contenders: readonly Contender[]; stop(): Promise<void> }>;
}

const peers: readonly Peer[] = [
  {
    name: "BullMQ + Redis",
    async start() {
      provideRedis();
      const settings = (appendfsync: string): readonly string[] => [
        ...["--save", "", "--appendonly", "yes", "--appendfsync", appendfsync],
      ];
      const [always, everysec] = [
        await startRedis(settings("always")),
        await startRedis(settings("everysec")),
      ];
      return {
        contenders: [bullmq(always.port, "always"), bullmq(everysec.port, "everysec")],
        async stop() {
          await Promise.all([always.stop(), everysec.stop()]);
        },
      };
    },
  },
  {
    name: "graphile-worker + PostgreSQL",
    async start() {
      const server = await startPostgres();
      return { contenders: [graphileWorker(server.url)], stop: () => server.stop() };
    },
  },
];

/** Compares what survives a crash, side by side on the disk of the folder for temporary files. */
export async function runDurableBench(isQuick: boolean): Promise<DurableReport> {
  const startedAt = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-bench-"));
  const started: { stop(): Promise<void> }[] = [];
  const contenders = [lanekeeper(folder, "full"), lanekeeper(folder, "normal")];
  const missing: { name: string; why: string }[] = [];
  try {
    for (const { name, start } of peers) {
      try {
        const peer = await start();
        started.push(peer);
        contenders.push(...peer.contenders);
      } catch (error) {
        missing.push({ name, why: error instanceof Error ? error.message : String(error) });
      }
    }
    const rates = await compareRates(
      contenders,
      isQuick ? { rounds: 1, roundMs: 300 } : { rounds: 9, roundMs: 600 },
    );
    const backlogs: readonly Backlog[] = [
      { sessions: 1_000, messagesEach: 100 },
      { sessions: 100_000, messagesEach: 1 },
    ];
    const recoveries = [];
    for (const backlog of backlogs)
      recoveries.push({ ...backlog, found: await measureRecovery(backlog, isQuick ? 1 : 3) });
    return {
      node: process.version,
      cores: availableParallelism(),
      syncMs: timeSync(join(folder, "sync")),
      rates,
      missing,
      recoveries,
      tookSeconds: (performance.now() - startedAt) / 1_000,
    };
  } finally {
    for (const { stop } of started) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function timeSync(path: string): number {
  const file = openSync(path, "w");
  const page = Buffer.alloc(4_096);
  const times = Array.from({ length: 101 }, () => {
    const begin = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    return performance.now() - begin;
  });
  closeSync(file);
  return median(times);
}

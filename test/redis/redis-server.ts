import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { findFreePort } from "../servers/free-port.ts";
import { isThere } from "../servers/installed.ts";

/** Thrown where a test needs a Redis server and there is none. */
class NoRedis extends Error {
  override readonly name = "NoRedis";
}

/** A Redis server of the test's own, in a temporary folder, that keeps nothing unless its arguments say so. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Runs one command on a connection of its own. */
  command(...command: readonly string[]): Promise<unknown>;
  /** Ends it as a power cut would (kill -9). */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, with what it has kept. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Installs `redis-server` where it is missing and Debian's packages may be installed; throws `NoRedis` elsewhere. */
export function provideRedis(): void {
  if (isThere("redis-server", "--version")) return;
  const mayInstall = process.getuid?.() === 0 && isThere("apt-get", "--version");
  const install = (): boolean =>
    isThere("apt-get", "install", "-y", "--no-install-recommends", "redis-server") &&
    isThere("redis-server", "--version");
  if (mayInstall && (install() || (isThere("apt-get", "update") && install()))) return;
  throw new NoRedis(
    "These tests need redis-server on the PATH. Run `sudo apt-get install -y redis-server` (Debian, Ubuntu) or `brew install redis` (macOS), and then the tests again.",
  );
}

interface Running {
  kill(): Promise<void>;
}

/** Starts the server and waits until it takes connections; undefined if somebody else has the port. */
async function launch(port: number, folder: string, args: readonly string[]): Promise<Running | undefined> {
  const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  const child = spawn("redis-server", [...fixed, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const endWithUs = (): unknown => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new NoRedis("redis-server cannot be run: `sudo apt-get install -y redis-server`.", { cause })),
    );
    child.once("close", () => {
      process.removeListener("exit", endWithUs);
      resolve();
    });
  });
  let log = "";
  const isReady = await Promise.race([
    ended.then(() => false),
    new Promise<boolean>((resolve) =>
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        if (log.includes("Ready to accept connections")) resolve(true);
      }),
    ),
  ]);
  if (!isReady) {
    if (log.includes("Address already in use")) return undefined;
    throw new NoRedis(`redis-server ended at once:\n${log}`);
  }
  return {
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Starts a server on a free port. `args` are settings, as on its command line. */
export async function startRedis(
  args: readonly string[] = ["--save", "", "--appendonly", "no"],
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-redis-"));
  let port = 0;
  let running: Running | undefined;
  while (running === undefined) {
    port = await findFreePort();
    running = await launch(port, folder, args);
  }
  const url = `redis://127.0.0.1:${port}`;
  return {
    url,
    port,
    async command(...command) {
      const client = createClient({ url, socket: { reconnectStrategy: false } });
      client.on("error", () => {});
      await client.connect();
      try {
        return await client.sendCommand(command);
      } finally {
        client.destroy();
      }
    },
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async restart() {
      await running?.kill();
      running = await launch(port, folder, args);
      if (running === undefined) throw new NoRedis(`Somebody took port ${port} meanwhile.`);
    },
    async stop() {
      await running?.kill();
      running = undefined;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The server of `REDIS_URL`, which is not ours to stop or to empty, or else one of our own. */
export async function reachRedis(): Promise<Pick<RedisServer, "url" | "stop">> {
  const url = process.env["REDIS_URL"];
  return url === undefined || url === "" ? startRedis() : { url, stop: async () => {} };
}

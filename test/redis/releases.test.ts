import { type RedisClientLike, type RedisConnection, redisLeases } from "@lanekeeper/redis";
import { createLanekeeper, type LanekeeperEvent } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { createClient } from "@redis/client";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { openProxy } from "./tcp-proxy.ts";

const ttlMs = 60_000;
let server: RedisServer;

beforeEach(async () => {
  server = await startRedis();
});
afterEach(() => server.stop());

function open(url = server.url): ReturnType<typeof redisLeases> {
  const leases = redisLeases({ url });
  onTestFinished(() => leases.close());
  return leases;
}

/** Resolves when somebody listens to a lock's releases, as the server sees it. */
async function listened(name: string): Promise<void> {
  const channel = `lanekeeper:lease:${name}`;
  for (;;) {
    const counts = Object.values((await server.command("PUBSUB", "NUMSUB", channel)) as object).flat();
    if (counts.some((count) => Number(count) > 0)) return;
  }
}

it("B53 wakes the waiter of another keeper by the server's message, while no time passes", async () => {
  const clock = createSimulatedClock();
  const keepers = await Promise.all(
    [open(), open()].map((leases) => createLanekeeper({ clock, leases, turn: () => undefined })),
  );
  onTestFinished(async () => {
    await Promise.all(keepers.map((keeper) => keeper.close()));
  });
  const [holder, waiter] = keepers as [(typeof keepers)[number], (typeof keepers)[number]];
  const lock = await holder.locks.acquire("lock");
  const waiting = new Promise<void>((resolve) =>
    waiter.events$.subscribe((event: LanekeeperEvent) => {
      if (event.type === "lock.waiting") resolve();
    }),
  );
  const acquired = waiter.locks.acquire("lock");
  await waiting;
  await listened("lock");
  // The question it asks because nothing may have been heard before it listened (B53).
  await clock.advance(20);
  await lock.release();
  const next = await acquired;
  expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
  await next.release();
  expect(clock.monotonic()).toBe(20);
});

it("B53 lets a waiter whose messages are lost have the lock at its next question, five seconds later", async () => {
  const clock = createSimulatedClock();
  const answers: unknown[] = [];
  const deaf: RedisClientLike = {
    duplicate(overrides) {
      const client: RedisConnection = createClient({ url: server.url, ...overrides });
      const send = client.sendCommand.bind(client);
      client.subscribe = async () => {};
      client.sendCommand = async (command) => {
        const answer = await send(command);
        answers.push(answer);
        return answer;
      };
      return client;
    },
  };
  const holder = open();
  const waiter = await createLanekeeper({
    clock,
    leases: redisLeases({ client: deaf }),
    turn: () => undefined,
  });
  onTestFinished(() => waiter.close());
  const answered = async (count: number): Promise<void> => {
    while (answers.length < count) await new Promise((resolve) => setImmediate(resolve));
    await clock.settle();
  };
  await holder.acquire("lock", "holder", 3_600_000);
  const acquired = waiter.locks.acquire("lock");
  await answered(1);
  await clock.advance(20);
  await answered(2);
  await holder.release("lock", "holder");
  await clock.advance(4_999);
  expect(answers).toHaveLength(2);
  await clock.advance(1);
  await (await acquired).release();
  expect(answers).toHaveLength(4);
});

it("tells of a release elsewhere once, and of one of its own once", async () => {
  const [here, there] = [open(), open()];
  const told: string[] = [];
  const heard = new Promise<void>((resolve) => {
    here.watch("lock", () => {
      told.push("lock");
      if (told.length === 2) resolve();
    });
  });
  here.watch("other", () => told.push("other"));
  await listened("lock");
  await here.acquire("lock", "one", ttlMs);
  await here.release("lock", "one");
  expect(told).toEqual(["lock"]);
  await there.acquire("lock", "two", ttlMs);
  await there.release("lock", "two");
  await heard;
  expect(told).toEqual(["lock", "lock"]);
});

it("stops listening at the server when the last watch of a name is stopped", async () => {
  const leases = open();
  const stops = [leases.watch("lock", () => {}), leases.watch("lock", () => {})];
  await listened("lock");
  for (const stop of stops) stop();
  await leases.acquire("elsewhere", "one", ttlMs);
  expect(await server.command("PUBSUB", "CHANNELS")).toEqual([]);
});

it("tells everybody once it hears again after the connection broke: a release may have been missed", async () => {
  const proxy = await openProxy(server.port);
  onTestFinished(() => proxy.close());
  const leases = open(proxy.url);
  const told = new Promise<void>((resolve) => leases.watch("lock", resolve));
  await listened("lock");
  proxy.cut();
  await told;
  expect(await leases.acquire("lock", "one", ttlMs)).toMatchObject({ acquired: true });
});

it("hears again, and tells everybody, once a server that was down is up", async () => {
  const leases = open();
  const told = new Promise<void>((resolve) => leases.watch("lock", resolve));
  await listened("lock");
  await server.kill();
  // At least one try to open another connection has failed by then, and was not the last.
  await expect(leases.acquire("lock", "one", ttlMs)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await server.restart();
  await told;
  await listened("lock");
});

it("takes the options of a client, and leaves the client to whoever made it", async () => {
  const client = createClient({ url: server.url, RESP: 2, name: "the-host" });
  const leases = redisLeases({ client });
  await leases.acquire("lock", "one", ttlMs);
  const told = new Promise<void>((resolve) => leases.watch("lock", resolve));
  await listened("lock");
  const other = open();
  await other.release("lock", "one");
  await told;
  await leases.close();
  await client.connect();
  expect(await client.ping()).toBe("PONG");
  client.destroy();
});

import { redisLeases, type RedisLeasesOptions } from "@lanekeeper/redis";
import { createLanekeeper } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { openProxy, type TcpProxy } from "./tcp-proxy.ts";

const ttlMs = 60_000;
let server: RedisServer;
let proxy: TcpProxy;

beforeEach(async () => {
  server = await startRedis();
  proxy = await openProxy(server.port);
});
afterEach(async () => {
  await proxy.close();
  await server.stop();
});

function open(options: RedisLeasesOptions): ReturnType<typeof redisLeases> {
  const leases = redisLeases({ prefix: "p:", ...options });
  onTestFinished(() => leases.close());
  return leases;
}

const unavailable = (reason: string): object => ({ code: "STORE_UNAVAILABLE", details: { reason } });

it("B33 refuses with STORE_UNAVAILABLE while the server is down, and works once it is up again", async () => {
  const leases = open({ url: server.url });
  await leases.acquire("lock", "one", ttlMs);
  await server.kill();
  await expect(leases.release("lock", "one")).rejects.toMatchObject(unavailable("connection"));
  await expect(leases.acquire("lock", "one", ttlMs)).rejects.toMatchObject({
    ...unavailable("connection"),
    message: expect.stringContaining("ECONNREFUSED"),
  });
  await server.restart();
  expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: true });
});

it("B53 tells who asks once that the server is down each time, and has the lock once it is up again", async () => {
  const keeper = await createLanekeeper({ leases: open({ url: server.url }), turn: () => undefined });
  onTestFinished(() => keeper.close());
  await server.kill();
  const refused = { code: "STORE_UNAVAILABLE", cause: unavailable("connection") };
  for (let times = 0; times < 3; times++) {
    await expect(keeper.locks.acquire("lock", { waitMs: 0 })).rejects.toMatchObject(refused);
    await expect(keeper.locks.tryAcquire("lock")).rejects.toMatchObject(refused);
  }
  await server.restart();
  expect(await keeper.locks.tryAcquire("lock")).toMatchObject({ state: "busy" });
});

it("knows its scripts again on a server that forgot them", async () => {
  const leases = open({ url: server.url });
  await leases.acquire("lock", "one", ttlMs);
  await server.command("SCRIPT", "FLUSH");
  expect(await leases.release("lock", "one")).toBe(true);
  expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: true });
});

it("B49 refuses the renewal of a lease that the server forgot", async () => {
  const leases = open({ url: server.url });
  const answer = await leases.acquire("lock", "one", ttlMs);
  const { token } = answer as { token: bigint };
  await server.restart();
  await expect(leases.renew("lock", "one", token, ttlMs).catch(() => "not known")).resolves.not.toBe(true);
  expect(await leases.renew("lock", "one", token, ttlMs)).toBe(false);
});

it("tells a replica from a server that is down, and goes on once it is the primary", async () => {
  const leases = open({ url: server.url });
  await server.command("REPLICAOF", "127.0.0.1", "1");
  await expect(leases.acquire("lock", "one", ttlMs)).rejects.toMatchObject({
    ...unavailable("READONLY"),
    message: expect.stringContaining("connect to the primary"),
  });
  await server.command("REPLICAOF", "NO", "ONE");
  expect(await leases.acquire("lock", "one", ttlMs)).toMatchObject({ acquired: true });
});

it("tells a server without memory from one that is down", async () => {
  const leases = open({ url: server.url });
  await server.command("CONFIG", "SET", "maxmemory", "1");
  await expect(leases.acquire("lock", "one", ttlMs)).rejects.toMatchObject(unavailable("OOM"));
  await server.command("CONFIG", "SET", "maxmemory", "0");
  expect(await leases.acquire("lock", "one", ttlMs)).toMatchObject({ acquired: true });
});

it("leaves a key alone that is something else's", async () => {
  await server.command("SET", "p:text", "not a lease");
  await server.command("SET", "p:long", "a text that is long enough to be a lease");
  await server.command("HSET", "p:hash", "not", "a lease");
  const leases = open({ url: server.url });
  for (const name of ["text", "long", "hash"]) {
    await expect(leases.acquire(name, "one", ttlMs)).rejects.toMatchObject(unavailable("WRONGTYPE"));
    await expect(leases.release(name, "one")).rejects.toMatchObject(unavailable("WRONGTYPE"));
  }
  expect(await server.command("GET", "p:text")).toBe("not a lease");
});

it("says that a password is wrong", async () => {
  await server.command("CONFIG", "SET", "requirepass", "right");
  const url = server.url.replace("//", "//:wrong@");
  await expect(open({ url }).acquire("lock", "one", ttlMs)).rejects.toMatchObject(unavailable("WRONGPASS"));
});

it("B50 gives every command a time-out of its own, does nothing late, and goes on by itself", async () => {
  const clock = createSimulatedClock();
  const leases = open({ url: proxy.url, timeoutMs: 500, clock });
  await leases.acquire("known", "one", ttlMs);
  proxy.hold();
  const answer = leases.acquire("lock", "one", ttlMs).catch((error: unknown) => error);
  await proxy.kept();
  await clock.advance(500);
  expect(await answer).toMatchObject(unavailable("timeout"));
  proxy.flow();
  expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: true });
});

it("B50 gives connecting the same time-out", async () => {
  const clock = createSimulatedClock();
  const leases = open({ url: proxy.url, timeoutMs: 500, clock });
  proxy.hold();
  const answer = leases.acquire("lock", "one", ttlMs).catch((error: unknown) => error);
  await proxy.kept();
  await clock.advance(500);
  expect(await answer).toMatchObject(unavailable("timeout"));
  proxy.flow();
  expect(await leases.acquire("lock", "one", ttlMs)).toMatchObject({ acquired: true });
});

it("ends what it was asked when the connection is cut, and opens another", async () => {
  const leases = open({ url: proxy.url });
  await leases.acquire("known", "one", ttlMs);
  proxy.hold();
  const answers = [leases.acquire("a", "one", ttlMs), leases.acquire("b", "one", ttlMs)].map((answer) =>
    answer.catch((error: unknown) => error),
  );
  await proxy.kept();
  proxy.cut();
  expect(await Promise.all(answers)).toMatchObject([unavailable("connection"), unavailable("connection")]);
  proxy.flow();
  expect(await leases.release("known", "one")).toBe(true);
});

it("closes while the server does not answer, once what it was asked has ended", async () => {
  const clock = createSimulatedClock();
  const leases = redisLeases({ url: proxy.url, timeoutMs: 500, clock });
  await leases.acquire("known", "one", ttlMs);
  proxy.hold();
  const answer = leases.acquire("lock", "one", ttlMs).catch((error: unknown) => error);
  await proxy.kept();
  const closed = leases.close();
  await expect(leases.acquire("lock", "two", ttlMs)).rejects.toMatchObject({ code: "CLOSED" });
  expect(() => leases.watch("lock", () => {})).toThrow(expect.objectContaining({ code: "CLOSED" }));
  await clock.advance(500);
  await closed;
  expect(await answer).toMatchObject(unavailable("timeout"));
  expect(clock.nextTimerInMs()).toBeUndefined();
});

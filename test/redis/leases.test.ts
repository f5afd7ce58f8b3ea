import { randomUUID } from "node:crypto";
import { redisLeases } from "@lanekeeper/redis";
import type { LeaseStore } from "lanekeeper/ports";
import { afterAll, beforeAll } from "vitest";
import { describeLeases } from "../conformance/leases-conformance.ts";
import { clockedClient } from "./clocked-client.ts";
import { reachRedis, type RedisServer } from "./redis-server.ts";

let server: Pick<RedisServer, "url" | "stop">;
const opened: LeaseStore[] = [];

beforeAll(async () => {
  server = await reachRedis();
});

afterAll(async () => {
  await Promise.all(opened.map((leases) => leases.close()));
  await server.stop();
});

describeLeases("on Redis", (clock) => {
  const leases = redisLeases({
    client: clockedClient(server.url, clock),
    prefix: `lanekeeper-test:${randomUUID()}:`,
    clock,
  });
  opened.push(leases);
  return leases;
});

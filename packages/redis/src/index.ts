export type { RedisClientLike, RedisConnection } from "./redis-connection.ts";
export { redisLeases, type RedisLeasesOptions } from "./redis-leases.ts";

import { redisLeases } from "@lanekeeper/redis";
import { contend } from "../leases/contend.ts";

const [url = "", folder = "", rounds = ""] = process.argv.slice(2);
await contend(redisLeases({ url }), folder, Number(rounds));

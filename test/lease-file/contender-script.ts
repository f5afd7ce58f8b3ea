import { join } from "node:path";
import { sqliteLeases } from "@lanekeeper/sqlite";
import { contend } from "../leases/contend.ts";

const [folder = "", rounds = ""] = process.argv.slice(2);
await contend(sqliteLeases(join(folder, "leases.db")), folder, Number(rounds));

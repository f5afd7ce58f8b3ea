import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sqliteLeases } from "@lanekeeper/sqlite";
import { createLanekeeper } from "lanekeeper";

// Adds one to the number in a file, so often, under a lock that other processes want as well; notes every token.

const [folder = "", rounds = ""] = process.argv.slice(2);
const leases = sqliteLeases(join(folder, "leases.db"));
const keeper = await createLanekeeper({ leases, turn: () => undefined });
const file = join(folder, "counter");

for (let round = 0; round < Number(rounds); round++) {
  await keeper.locks.using(
    "counter",
    async (lock) => {
      const before = Number(readFileSync(file, "utf8"));
      await new Promise((resolve) => setImmediate(resolve));
      lock.assertHeld();
      writeFileSync(file, String(before + 1));
      appendFileSync(join(folder, "tokens"), `${lock.fencingToken}\n`);
    },
    { waitMs: 60_000 },
  );
}
await keeper.close();
process.stdout.write("closed");

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLanekeeper, type LeaseStore } from "lanekeeper";

/** Adds one to the number in a folder's `counter`, so often, under a lock that other processes want as well; notes every token. */
export async function contend(leases: LeaseStore, folder: string, rounds: number): Promise<void> {
  const keeper = await createLanekeeper({ leases, turn: () => undefined });
  const file = join(folder, "counter");
  for (let round = 0; round < rounds; round++) {
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
}

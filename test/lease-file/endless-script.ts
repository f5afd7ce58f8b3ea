import { sqliteLeases } from "@lanekeeper/sqlite";

// Takes leases and gives back every second one, without end; prints each token once it has it.

const [path = "", owner = ""] = process.argv.slice(2);
const leases = sqliteLeases(path);
for (let round = 0; ; round++) {
  const name = `lock ${round % 5}`;
  const answer = await leases.acquire(name, owner, 60_000);
  if (!answer.acquired) throw new Error(`${name} is held by ${answer.owner}`);
  process.stdout.write(`${answer.token}\n`);
  if (round % 2 === 0) await leases.release(name, owner, answer.token);
}

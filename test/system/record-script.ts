import { createLanekeeper } from "lanekeeper";
import { recordToFile } from "lanekeeper/recording";

// A gateway that records itself into the file of its argument, and is busy until somebody kills it. Prints a line for each
// hundred turns.

const [path] = process.argv.slice(2);
let turns = 0;
const keeper = await createLanekeeper<string, string>({
  recorder: recordToFile(path!),
  capacity: { turns: 4 },
  lane: { stallAfterMs: 20, reclaimAfterMs: 40, abortGraceMs: 10 },
  async turn(turn) {
    if (++turns % 100 === 0) process.stdout.write(`${turns}\n`);
    if (turns % 37 === 0) await new Promise(() => {});
    if (turns % 11 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    if (turns % 7 === 0) throw new Error("not today");
    await turn.locks.using("file", () => turn.progress("on"));
    return "ok";
  },
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});

async function chat(session: string): Promise<void> {
  for (;;) await (await keeper.send(session, "hello")).outcome;
}
await Promise.all(["a", "b", "c", "d", "e", "f"].map(chat));

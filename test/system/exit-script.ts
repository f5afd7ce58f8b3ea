import { createLanekeeper } from "lanekeeper";

// Opens a keeper, leaves every kind of thing unfinished in it, closes it, and then does nothing: whether the process
// ends is up to what the keeper left behind. Prints the pids of its commands, then how everything ended.

const keeper = await createLanekeeper<string, string>({
  async turn(turn) {
    const body = turn.messages[0]?.body;
    if (body === "hang") await new Promise(() => {});
    if (body === "fail") throw new Error("not today");
    return "ok";
  },
  capacity: { turns: 2 },
  lane: { abortGraceMs: 50, retry: { attempts: 3, baseMs: 3_600_000, maxMs: 3_600_000 } },
  exec: { killGraceMs: 5_000 },
  random: () => 0.9,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});
const subscription = keeper.events$.subscribe();

const completes = await keeper.send("completes", "hello");
await completes.outcome;
const backsOff = await keeper.send("backs-off", "fail");
while (keeper.explain("backs-off").blockedBy !== "backoff")
  await new Promise((resolve) => setImmediate(resolve));
const sent = await Promise.all([
  keeper.send("hangs", "hang"),
  keeper.send("hangs", "waits for its session"),
  keeper.send("hangs too", "hang"),
  keeper.send("waits", "waits for capacity"),
]);
const command = await keeper.exec("commands", "sleep", ["60"]);
const stubborn = await keeper.exec("commands", "sh", ["-c", "trap '' TERM; while :; do sleep 60; done"], {
  killGraceMs: 50,
});
await keeper.expectExec("commands", "elsewhere");
keeper.wake("asleep", { coalesceMs: 3_600_000 });
process.stdout.write(
  `${JSON.stringify({ running: keeper.stats().running, pids: [command.pid, stubborn.pid] })}\n`,
);

await keeper.close();
subscription.unsubscribe();
const outcomes = await Promise.all([completes, backsOff, ...sent].map(({ outcome }) => outcome));
const commands = await Promise.all([command.done, stubborn.done]);
process.stdout.write(
  JSON.stringify({
    outcomes: outcomes.map(({ status }) => status),
    commands: commands.map(({ status }) => status),
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  }),
);

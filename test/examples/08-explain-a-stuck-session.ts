/**
 * 08 Explain a stuck session. "Why does nothing happen?" has an answer at any time.
 *
 * `explain` always answers, for any session, with one reason, one sentence and the facts (B60). What lasts is also told
 * unasked: `lane.blocked` within two seconds (B32), `lane.stalled`, and `lane.reclaimed` when a hung turn's slot has
 * been taken back, by the lane's own timers (B25, B26).
 */
import assert from "node:assert/strict";
import { createLanekeeper } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

// Time that moves only when told to: minutes pass at once here. Leave `clock` out in a gateway.
const clock = createSimulatedClock();
const keeper = await createLanekeeper<string, string>({
  clock,
  capacity: { turns: 2, groups: { reports: { limit: 1 } } },
  lane: { stallAfterMs: 60_000, reclaimAfterMs: 300_000, abortGraceMs: 10_000, debounceMs: 1_000 },
  logger: { debug() {}, info() {}, warn() {}, error() {} }, // default: JSON lines on stderr
  turn: async (turn) => {
    const text = turn.messages.map(({ body }) => body).join();
    if (text === "hang") await new Promise(() => {}); // a bug: this never settles, and ignores `turn.signal`
    if (text === "fail") throw new Error("503");
    return `done: ${text}`;
  },
});
const told: string[] = [];
keeper.events$.subscribe((event) => {
  if (event.type === "lane.blocked") told.push(`${event.sessionKey} is blocked by ${event.reason}`);
  if (event.type === "lane.stalled") told.push(`${event.sessionKey} is stalled`);
  if (event.type === "lane.reclaimed")
    told.push(`${event.sessionKey} is reclaimed, slot freed: ${event.slotFreed}`);
});
const why = (sessionKey: string): string => `${keeper.explain(sessionKey).blockedBy}`;

// A session that nobody has heard of, one in a quiet time, one that backs off, one that was paused.
assert.equal(why("nobody"), "nothing-to-do");
await keeper.send("alice", "typing", { mode: "collect" });
await keeper.send("bob", "fail");
await keeper.pause("carol");
await keeper.send("carol", "hello");
await clock.settle();
assert.equal(why("alice"), "debounce");
assert.equal(why("bob"), "backoff");
assert.equal(why("carol"), "paused");
assert.equal(
  keeper.explain("carol").sentence,
  "The session is paused: call resume(sessionKey) to start what waits.",
);
await keeper.resume("carol");
await clock.advance(60_000); // quiet, tried again and resumed: all three have nothing left to do
assert.deepEqual(["alice", "bob", "carol"].map(why), ["nothing-to-do", "nothing-to-do", "nothing-to-do"]);

// Two turns hang. One is of a group with room for one turn, so the next of that group waits for the group; everybody
// else waits for capacity. Waiting is not running: it is never taken for a stall (B13).
await keeper.send("report:1", "hang", { group: "reports" });
await keeper.send("report:2", "numbers", { group: "reports" });
await keeper.send("dave", "hang");
const hello = await keeper.send("erin", "hello");
await clock.advance(2_000);
assert.deepEqual(["report:1", "report:2", "dave", "erin"].map(why), [
  "running",
  "group",
  "running",
  "capacity",
]);
assert.deepEqual(keeper.explain("erin").facts["capacity"], 2);
assert.deepEqual(told.splice(0), ["report:2 is blocked by group", "erin is blocked by capacity"]);

// A minute of silence: stalled. It still runs, and explain says since when it has been silent.
await clock.advance(60_000);
assert.equal(keeper.session("dave")?.state, "stalled");
assert.match(
  keeper.explain("dave").sentence,
  /no progress for 62000 ms: it is stalled and will be reclaimed/,
);

// Five minutes: told to stop. Ten seconds later it has not returned, so its slot goes to others without it.
await clock.advance(240_000);
assert.equal(why("dave"), "aborting");
await clock.advance(10_000);
assert.equal(await hello.reply(), "done: hello");
assert.ok(told.includes("dave is stalled") && told.includes("dave is reclaimed, slot freed: true"));
assert.deepEqual(
  ["report:1", "report:2", "dave", "erin"].map(why),
  Array.from({ length: 4 }, () => "nothing-to-do"),
);
assert.equal(keeper.session("dave")?.lastReclaim?.reason, "stalled");
assert.equal(keeper.stats().zombies, 2); // their code never returned; what it does no longer counts

await keeper.close();
assert.equal(why("dave"), "closed");

/**
 * 11 Watch a gateway. Everything that happens is a typed event; a live table of sessions is made of them.
 *
 * `events$` is an RxJS observable. `ofType` and `ofSession` narrow it, `stateChanges` tells of the four states (B1),
 * `liveSessions` keeps a row for each session and `sessionsIn` picks those in some states. A subscriber that throws is
 * logged and changes nothing (B5).
 */
import assert from "node:assert/strict";
import { createLanekeeper, liveSessions, ofSession, ofType, sessionsIn, stateChanges } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

// Time that moves only when told to: minutes pass at once here. Leave `clock` out in a gateway.
const clock = createSimulatedClock();
const keeper = await createLanekeeper<string, string>({
  clock,
  lane: { stallAfterMs: 60_000, reclaimAfterMs: 300_000, abortGraceMs: 10_000 },
  logger: { debug() {}, info() {}, warn() {}, error() {} }, // default: JSON lines on stderr
  turn: async (turn) => {
    if (turn.messages[0]?.body === "hang") await new Promise(() => {}); // a bug: this never settles
    turn.emit("hel"); // streams something out; counts as progress
    turn.emit("lo");
    return "hello";
  },
});
const alice = "agent:main:alice";
const bob = "agent:main:bob";

// `events$` is hot and keeps nothing: subscribe before you send.
const streamed: unknown[] = [];
keeper.events$.pipe(ofSession(alice), ofType("turn.emitted")).subscribe(({ data }) => streamed.push(data));
const changes: string[] = [];
keeper.events$
  .pipe(ofSession(bob), stateChanges())
  .subscribe(({ from, to }) => changes.push(`${from} → ${to}`));

// A dashboard: one map of all sessions, and another whenever a row has changed.
let rows: readonly string[] = [];
liveSessions(keeper).subscribe((sessions) => {
  rows = Array.from(
    sessions.values(),
    ({ sessionKey, state, zombies }) => `${sessionKey} ${state} ${zombies}`,
  );
});
// An alarm: the sessions that need somebody to look at them.
const alarms: number[] = [];
liveSessions(keeper)
  .pipe(sessionsIn("stalled", "reclaimed"))
  .subscribe((sessions) => alarms.push(sessions.length));

const hello = await keeper.send(alice, "hello");
assert.equal(await hello.reply(), "hello");
await keeper.send(bob, "hang");
await clock.settle();
assert.deepEqual(streamed, ["hel", "lo"]);
assert.deepEqual(rows, [`${alice} idle 0`, `${bob} busy 0`]);
assert.deepEqual(alarms, [0]);

await clock.advance(60_000);
assert.deepEqual(rows, [`${alice} idle 0`, `${bob} stalled 0`]);
assert.deepEqual(alarms, [0, 1]);

// Its turn is taken back, and its code, which never returned, is a zombie. The lane is free, so the alarm is over.
await clock.advance(250_000);
assert.deepEqual(rows, [`${alice} idle 0`, `${bob} idle 1`]);
assert.deepEqual(changes, ["idle → busy", "busy → stalled", "stalled → reclaimed", "reclaimed → idle"]);
assert.equal(alarms.at(-1), 0);

// The keeper as a whole, for a health check.
const { health, running, reclaimed, zombies } = keeper.stats();
assert.deepEqual(
  { health, running, reclaimed, zombies },
  { health: "ok", running: 0, reclaimed: 1, zombies: 1 },
);

await keeper.close(); // completes the observables

/**
 * 14 A heartbeat in active hours. An agent looks around every half hour, by day, and never in a person's way.
 *
 * A heartbeat is a turn of the agent's session (`cause: "heartbeat"`, B43). Its times come from a schedule, in the active
 * hours of a time zone (B44). A busy session defers it (B41, B42), a message preempts it (B47), and it consumes only the
 * events that its turn completes with (B48).
 */
import assert from "node:assert/strict";
import { createLanekeeper, type HeartbeatEvents, type Turn } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

const minute = 60_000;
// Time that moves only when told to: a day passes at once here. Leave `clock` out in a gateway.
const clock = createSimulatedClock({ startAt: Date.parse("2026-03-28T12:00:00Z") });
const session = "agent:main:main"; // the default: `agent:<agent>:main`
const work = (ms: number, { signal }: Turn): Promise<void> =>
  new Promise((resolve, reject) => {
    clock.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });

const keeper = await createLanekeeper<string, string>({
  clock,
  heartbeats: [
    {
      agent: "main",
      everyMs: 30 * minute,
      // May cross midnight; right on the days the clocks change.
      activeHours: { start: "08:00", end: "22:00", timezone: "Europe/Berlin" },
    },
  ],
  turn: async (turn) => {
    if (turn.cause !== "heartbeat") return `you said ${turn.messages[0]?.body}`;
    for (const event of turn.events) seen.push(event.kind);
    await work(minute, turn); // looks at the inbox, the calendar, the weather …
    turn.assertCurrent(); // before each outside effect: throws once a message has preempted it
    return "HEARTBEAT_OK";
  },
});
const seen: string[] = [];
const told: HeartbeatEvents[] = [];
keeper.events$.subscribe((event) => {
  if (event.type.startsWith("heartbeat.")) told.push(event as HeartbeatEvents);
});
const heartbeat = keeper.heartbeat("main");
assert.ok(heartbeat.inspect().nextAt! - clock.now() <= 30 * minute); // the first comes within a period

// Something that can wait for the next look around.
await keeper.notify(session, { kind: "package.arrived" }, { wake: false });
assert.deepEqual(await request(), { status: "ran", durationMs: minute });
assert.deepEqual(seen, ["package.arrived"]);

// A person's message aborts a running heartbeat and is answered next.
const beat = heartbeat.request();
await clock.settle();
const hello = await keeper.send(session, "hello");
assert.deepEqual(await beat, { status: "preempted" });
assert.equal(await hello.reply(), "you said hello");

// The night over: in Berlin the clocks are put forward at two, and the hours begin at eight by the clock on the wall.
told.length = 0;
await clock.advance(Date.parse("2026-03-29T06:00:00Z") - clock.now() - 1);
const ran = told.filter(({ type }) => type === "heartbeat.ran").map(({ at }) => new Date(at).toISOString());
const skipped = told.filter(({ type }) => type === "heartbeat.skipped");
assert.ok(ran.at(-1)! < "2026-03-28T21:05"); // 22:00 in Berlin, and what had begun by then
assert.equal(skipped.length, 18); // nine hours, for the night was an hour shorter
assert.ok(skipped.every((event) => event.type === "heartbeat.skipped" && event.reason === "quiet-hours"));
await clock.advance(30 * minute); // 08:30 in Berlin, which is 06:30 UTC from this morning on
assert.equal(told.at(-1)?.type, "heartbeat.ran");

// Off is off, of this agent alone, and stays so over a restart on the same store.
await heartbeat.disable();
assert.deepEqual(await heartbeat.request(), { status: "skipped", reason: "disabled" });
await keeper.close();

async function request(): ReturnType<typeof heartbeat.request> {
  const asked = heartbeat.request();
  await clock.advance(2 * minute);
  return asked;
}

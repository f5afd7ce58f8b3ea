/**
 * 02 Collect a burst. People type one thought in four messages; the agent should answer once.
 *
 * In mode `collect` a batch waits for `debounceMs` of quiet, at most `debounceMaxMs` after its first message, and is one
 * turn (B18). Quiet counts while another turn runs. An event that arrives meanwhile rides along.
 */
import assert from "node:assert/strict";
import { createLanekeeper } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

// Time that moves only when told to, so that this page shows seconds without taking them. Leave `clock` out in a gateway.
const clock = createSimulatedClock();
const turns: string[] = [];
let modelAnswers = Promise.withResolvers<void>();
modelAnswers.resolve();

const keeper = await createLanekeeper<string, string>({
  clock,
  lane: { mode: "collect", debounceMs: 1_000, debounceMaxMs: 5_000 },
  turn: async (turn) => {
    const parts = [...turn.messages.map(({ body }) => body), ...turn.events.map(({ kind }) => `[${kind}]`)];
    turns.push(parts.join(" "));
    await modelAnswers.promise;
    return `answered ${turn.messages.length} at once`;
  },
});
const chat = "agent:main:alice";

// Four messages, less than a second apart.
const hey = await keeper.send(chat, "hey");
await clock.advance(700);
await keeper.send(chat, "about the trip");
await clock.advance(700);
await keeper.notify(chat, { kind: "calendar.changed" }); // does not start a turn of its own while a batch debounces
const last = await keeper.send(chat, "can we leave on friday?");
assert.deepEqual(turns, []);

// Meanwhile the session says what it waits for.
const { blockedBy, sentence } = keeper.explain(chat);
assert.equal(blockedBy, "debounce");
assert.equal(sentence, "A batch of 3 messages waits for quiet: it runs in 1000 ms, or later if more come.");

await clock.advance(1_000);
assert.deepEqual(turns, ["hey about the trip can we leave on friday? [calendar.changed]"]);
assert.equal(await hey.reply(), "answered 3 at once"); // each sender gets the reply of the one turn
assert.equal(await last.reply(), "answered 3 at once");

// What comes while a turn runs gathers too: it has had its quiet when that turn ends, and runs at once.
modelAnswers = Promise.withResolvers<void>();
await keeper.send(chat, "thanks");
await clock.advance(1_000); // the turn on "thanks" runs now
await keeper.send(chat, "and");
await keeper.send(chat, "a window seat");
await clock.advance(30_000);
assert.equal(turns.length, 2);
modelAnswers.resolve();
await clock.settle(); // no time passes
assert.deepEqual(turns.slice(1), ["thanks", "and a window seat"]);

// Someone who never stops typing is answered after `debounceMaxMs` all the same.
for (let typed = 0; typed < 8; typed++) {
  await keeper.send(chat, `line ${typed}`);
  await clock.advance(700);
}
assert.equal(turns.length, 4);

await keeper.close();

/**
 * 09 Groups, priorities and fairness between agents. Who gets the next slot, and how to keep one free.
 *
 * A group's turns never exceed its `limit`, and its `reserved` slots are never given to others (B12). Among those that
 * wait, the highest priority goes first (B14), then the agent that was given a slot longest ago (B15), so a flood of
 * sessions of one agent delays another's first turn by one turn, not by a thousand.
 */
import assert from "node:assert/strict";
import { createLanekeeper } from "lanekeeper";

const started: string[] = [];
let finish: (() => void) | undefined;

/** Lets the turn that runs return, and the next one start. */
async function finishOne(): Promise<void> {
  finish?.();
  await new Promise((resolve) => setImmediate(resolve));
}

const keeper = await createLanekeeper<string, string>({
  // Two slots, one of which only people get: background work can never fill the gateway.
  capacity: { turns: 2, groups: { people: { limit: 2, reserved: 1 }, webhooks: { limit: 1 } } },
  turn: async (turn) => {
    started.push(turn.sessionKey);
    // A person's turn is answered at once; a webhook's takes until somebody finishes it.
    if (turn.messages[0]?.body === "webhook") await new Promise<void>((resolve) => (finish = resolve));
    return "done";
  },
});
// Which agent a session belongs to is the second part of `agent:<id>:…`; `agentOf` can say otherwise.
for (const number of [1, 2, 3, 4]) {
  await keeper.send(`agent:crawler:page-${number}`, "webhook", { group: "webhooks", priority: "normal" });
}
await keeper.send("agent:mailer:inbox", "webhook", { group: "webhooks", priority: "normal" });
await keeper.send("agent:mailer:nightly", "webhook", { group: "webhooks", priority: "background" });
assert.equal(keeper.explain("agent:mailer:inbox").blockedBy, "group");

// The webhooks have their one slot; the reserved one is free for people, whatever waits.
const hello = await keeper.send("agent:main:alice", "hello", { group: "people" });
assert.equal(await hello.reply(), "done");
assert.deepEqual(started, ["agent:crawler:page-1", "agent:main:alice"]);

// The crawler has had a slot, so the mailer is next, though three more of the crawler's came before it.
await finishOne();
assert.equal(started.at(-1), "agent:mailer:inbox");
// Then the crawler's, longest wait first; the nightly job is background, so everything normal goes before it.
for (let turn = 0; turn < 4; turn++) await finishOne();
assert.deepEqual(started.slice(3), [
  "agent:crawler:page-2",
  "agent:crawler:page-3",
  "agent:crawler:page-4",
  "agent:mailer:nightly",
]);
// (A lane that has waited 15 s counts one step higher, and 30 s two: background work is late, never starved.)

// Capacity can be replaced while turns run. Lowering it evicts nobody; what is not valid changes nothing.
assert.throws(() => keeper.setCapacity({ turns: 1, groups: { people: { limit: 1, reserved: 2 } } }), {
  code: "INVALID_OPTION",
});
keeper.setCapacity({ turns: 8, groups: { people: { limit: 8 } } });
await finishOne();
assert.equal(keeper.stats().capacity, 8);
await assert.rejects(keeper.notify("agent:crawler:page-5", { kind: "push" }, { group: "webhooks" }), {
  code: "INVALID_OPTION", // that group is no more
});

await keeper.close();

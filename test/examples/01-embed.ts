/**
 * 01 Embed. One function runs a turn; `send` brings a message; every conversation gets a lane of its own.
 *
 * Turns of a session run one after another in order (B3), sessions run beside each other (B4), an `id` makes sending
 * twice harmless (B23), and `close` leaves nothing behind (B58).
 */
import assert from "node:assert/strict";
import { createLanekeeper } from "lanekeeper";

/** What your gateway gets from a chat. The type is yours; Lanekeeper only carries it. */
interface Message {
  readonly text: string;
}

/** Your agent: here it only remembers what each conversation has said. */
const transcripts = new Map<string, string[]>();
async function answer(sessionKey: string, { text }: Message): Promise<string> {
  const transcript = transcripts.get(sessionKey) ?? [];
  transcripts.set(sessionKey, transcript);
  await Promise.resolve(); // a model would be called here
  transcript.push(text);
  return `message ${transcript.length}: ${text}`;
}

const keeper = await createLanekeeper<Message, string>({
  capacity: { turns: 4 }, // at most four turns at once, over all sessions
  turn: async (turn) => {
    const replies: string[] = [];
    // One message in the default mode; none when an event or a wake started the turn.
    for (const { body } of turn.messages) replies.push(await answer(turn.sessionKey, body));
    turn.assertCurrent(); // before each outside effect: throws if this turn was given up meanwhile
    return replies.join("\n");
  },
});

// `send` resolves once the message is accepted. Await it, or the order of two calls is not promised.
const first = await keeper.send("agent:main:alice", { text: "hello" });
const second = await keeper.send("agent:main:alice", { text: "still there?" });
const other = await keeper.send("agent:main:bob", { text: "hi" });

// `reply()` gives what the turn returned, or rejects. `outcome` never rejects and says how it ended.
assert.equal(await first.reply(), "message 1: hello");
assert.equal(await second.reply(), "message 2: still there?");
const outcome = await other.outcome;
assert.equal(outcome.status, "completed");

// A webhook that is delivered twice: the same id is the same work, and the agent is asked once.
const once = await keeper.send("agent:main:bob", { text: "pay the bill" }, { id: "webhook-7" });
const again = await keeper.send("agent:main:bob", { text: "pay the bill" }, { id: "webhook-7" });
assert.equal(await once.reply(), await again.reply());
assert.deepEqual(transcripts.get("agent:main:bob"), ["hi", "pay the bill"]);

assert.equal(keeper.explain("agent:main:alice").blockedBy, "nothing-to-do");
assert.equal(keeper.stats().completed, 4);

await keeper.close(); // an open keeper keeps the process alive; a closed one does not

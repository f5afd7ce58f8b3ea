import { createLanekeeper } from "lanekeeper";
import { post, runAgent } from "./app.ts";

export const keeper = await createLanekeeper<string, void>({
  capacity: { turns: 16 },
  lane: { stallAfterMs: 60, reclaimAfterMs: 180, abortGraceMs: 5 },
  turn: async (turn) => {
    for (const { body } of turn.messages) {
      const reply = await runAgent(turn.sessionKey, body, turn.signal);
      turn.assertCurrent(); // a turn that was given up posts nothing
      await post(turn.sessionKey, reply);
    }
  },
});

export async function onMessage(chat: string, text: string): Promise<void> {
  await keeper.send(chat, text); // accepted; `(await keeper.send(…)).outcome` says how it ended
}

import { createLanekeeper } from "lanekeeper";
import { post, runAgent } from "./app.ts";

export const keeper = await createLanekeeper<string, string>({
  capacity: { turns: 4, waiting: 10 },
  lane: { stallAfterMs: 60, reclaimAfterMs: 180, turnTimeoutMs: 900, abortGraceMs: 5 },
  turn: async (turn) => {
    const reply = await runAgent(turn.sessionKey, turn.messages[0]?.body ?? "", turn.signal);
    turn.assertCurrent();
    await post(turn.sessionKey, reply);
    return reply;
  },
});

export async function onMessage(chat: string, text: string): Promise<string> {
  const receipt = await keeper.send(chat, text, { priority: "foreground" });
  return receipt.reply(); // rejects with the turn's error, or says why there is no reply
}

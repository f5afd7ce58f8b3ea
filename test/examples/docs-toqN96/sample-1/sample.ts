import { createLanekeeper } from "lanekeeper";
import { post, runAgent } from "./app.ts";

export const keeper = await createLanekeeper<string, void>({
  turn: async (turn) => {
    for (const { body } of turn.messages) {
      const reply = await runAgent(turn.sessionKey, body, turn.signal);
      turn.assertCurrent();
      await post(turn.sessionKey, reply);
    }
  },
});

export async function shutDown(): Promise<void> {
  const { drained, waiting } = await keeper.drain({ timeoutMs: 30 }); // new work is refused with DRAINING
  if (!drained) console.warn("Some turns are still running and will be told to stop.");
  if (waiting > 0) console.warn(`${waiting} messages and events have not started.`);
  await keeper.close();
}
process.once("SIGTERM", () => void shutDown());

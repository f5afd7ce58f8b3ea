import { createLanekeeper } from "lanekeeper";
import { runAgent } from "./app.ts";

/** Your table, with one column more: the largest token that has written the row. */
export const summaries = new Map<string, { readonly text: string; readonly token: bigint }>();

/** `UPDATE … SET text = $text, token = $token WHERE key = $key AND token <= $token` in a database. */
export function saveSummary(key: string, text: string, token: bigint): boolean {
  if ((summaries.get(key)?.token ?? 0n) > token) return false; // a later turn has written: this one is late
  summaries.set(key, { text, token });
  return true;
}

export const keeper = await createLanekeeper<string, boolean>({
  lane: { stallAfterMs: 60, reclaimAfterMs: 180, abortGraceMs: 5 },
  turn: async (turn) => {
    const asked = turn.messages.map(({ body }) => body).join("\n");
    const text = await runAgent(turn.sessionKey, asked, turn.signal);
    turn.assertCurrent(); // this turn may have been given up while the model thought
    return saveSummary(turn.sessionKey, text, turn.fencingToken);
  },
});

import { createLanekeeper } from "lanekeeper";
import { runAgent } from "./app.ts";

/** Your table, with one column more: the largest token that has written the row. */
export const notes = new Map<string, { readonly text: string; readonly token: bigint }>();

/** `UPDATE … SET text = $text, token = $token WHERE name = $name AND token <= $token`: no row changed, no lock any more. */
export function saveNote(name: string, text: string, token: bigint): boolean {
  if ((notes.get(name)?.token ?? 0n) > token) return false; // somebody held the lock after us, and has written
  notes.set(name, { text, token });
  return true;
}

export const keeper = await createLanekeeper<string, boolean>({
  turn: async (turn) => {
    await using lock = await turn.locks.acquire("note:team", { waitMs: 30 });
    const text = await runAgent(turn.sessionKey, notes.get("note:team")?.text ?? "", lock.signal);
    lock.assertHeld(); // throws LOCK_LOST: the turn fails, and is tried again
    return saveNote("note:team", text, lock.fencingToken);
  },
});

import { createLanekeeper } from "lanekeeper";
import { post, runAgent } from "./app.ts";

export const keeper = await createLanekeeper<string, void>({
  lane: { mode: "collect", debounceMs: 1, retry: { attempts: 3, baseMs: 1 } },
  turn: async (turn) => {
    const said = turn.messages.map(({ body }) => body);
    const results = turn.events.map(({ kind, body }) => `[${kind}] ${String(body)}`);
    const reply = await runAgent(turn.sessionKey, [...said, ...results].join("\n"), turn.signal);
    turn.assertCurrent();
    await post(turn.sessionKey, reply);
  },
});

export async function onMessage(chat: string, text: string): Promise<void> {
  await keeper.send(chat, text);
}

export async function onCommandDone(chat: string, output: string): Promise<void> {
  await keeper.notify(chat, { kind: "command.done", body: output }); // waits for the chat to be free, and is not lost
}

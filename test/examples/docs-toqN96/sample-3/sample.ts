import { post, runAgent } from "./app.ts";

const tails = new Map<string, Promise<void>>();

export function onMessage(chat: string, text: string): Promise<void> {
  const before = tails.get(chat) ?? Promise.resolve();
  const turn = before
    .catch(() => {}) // a failed turn must not end the chain
    .then(async () => {
      await post(chat, await runAgent(chat, text));
    });
  tails.set(chat, turn);
  return turn;
}

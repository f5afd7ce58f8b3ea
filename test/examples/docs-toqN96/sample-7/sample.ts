import { post, runAgent } from "./app.ts";

const busy = new Map<string, boolean>();
const pending = new Map<string, string[]>();

export async function onMessage(chat: string, text: string): Promise<void> {
  if (busy.get(chat) === true) {
    pending.set(chat, [...(pending.get(chat) ?? []), text]);
    return;
  }
  busy.set(chat, true);
  try {
    await post(chat, await runAgent(chat, text));
  } finally {
    busy.set(chat, false);
  }
  const texts = pending.get(chat) ?? [];
  pending.delete(chat);
  if (texts.length > 0) await onMessage(chat, texts.join("\n"));
}

export async function onCommandDone(chat: string, output: string): Promise<void> {
  if (busy.get(chat) === true) return; // the agent is talking: tell it later
  await onMessage(chat, output);
}

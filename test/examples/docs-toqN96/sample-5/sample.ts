import PQueue from "p-queue";
import { post, runAgent } from "./app.ts";

const everybody = new PQueue({ concurrency: 4 });
const chats = new Map<string, PQueue>();

export async function onMessage(chat: string, text: string): Promise<void> {
  let queue = chats.get(chat);
  if (queue === undefined) chats.set(chat, (queue = new PQueue({ concurrency: 1, timeout: 60 })));
  await queue.add(() =>
    everybody.add(async () => {
      await post(chat, await runAgent(chat, text));
    }),
  );
}

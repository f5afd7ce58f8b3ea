export const asked: string[] = [];
export const posted: string[] = [];
export const gate = Promise.withResolvers<void>();
export async function runAgent(chat: string, text: string, _signal?: AbortSignal): Promise<string> {
  asked.push(`${chat}: ${text}`);
  if (text === "hang") return new Promise(() => {});
  if (text.startsWith("slow")) await gate.promise;
  if (text.includes("fail")) throw new Error("503");
  return `re: ${text}`;
}
export async function post(chat: string, text: string): Promise<void> {
  posted.push(`${chat}: ${text}`);
}

import { existsSync, readFileSync } from "node:fs";

/** Whether a process is over. One that nobody has buried yet is over too. */
export function isOver(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  const status = `/proc/${pid}/status`;
  return existsSync(status) && /^State:\s+[ZX]/m.test(readFileSync(status, "utf8"));
}

/** Resolves when a process is over. */
export async function whenOver(pid: number): Promise<void> {
  while (!isOver(pid)) await new Promise((resolve) => setImmediate(resolve));
}

import { execFileSync } from "node:child_process";

/** Whether a command can be run and ends well. */
export function isThere(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

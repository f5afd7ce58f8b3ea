import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";

/** Who has a store open. It tells people; what keeps others out is the lock on the file. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** Says that this process has the store. */
export function noteHolder(path: string): void {
  const holder: Holder = { pid: process.pid, host: hostname(), since: Date.now() };
  try {
    writeFileSync(fileOf(path), `${JSON.stringify(holder)}\n`);
  } catch {
    // Others are kept out all the same, and told without a name.
  }
}

/** Who has the store, as far as is known. */
export function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(path), "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

/** Says that nobody has it. */
export function forgetHolder(path: string): void {
  try {
    rmSync(fileOf(path), { force: true });
  } catch {
    // It names a process that is gone; the next one writes its own.
  }
}

function fileOf(path: string): string {
  return `${path}-holder`;
}

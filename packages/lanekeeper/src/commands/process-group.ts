import type { ProcessIdentity } from "./processes.ts";
import type { ProcessTable } from "./process-table.ts";

/** Sends a signal to a whole group; false if nobody was left to receive it. */
export function killGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** A group that somebody else started. */
export interface FoundGroup {
  /** Sends a signal to it; false if nobody was left to receive it, or if the number is another group's now. */
  kill(signal: NodeJS.Signals): boolean;
}

/**
 * The group of a process that led one when it was started; undefined if that process is over, or its number is another's.
 *
 * A group's number is not given to another while one of its members lives. So it is still the same group as long as one of
 * those lives that were in it when it was looked at last, whoever led it.
 */
export function findGroup(table: ProcessTable, { pid, mark }: ProcessIdentity): FoundGroup | undefined {
  const look = (): readonly string[] => table.membersOf(pid).map((member) => `${member.pid} ${member.mark}`);
  const members = look();
  if (!members.includes(`${pid} ${mark}`)) return undefined;
  let known = new Set(members);
  return {
    kill(signal) {
      const present = look();
      if (!present.some((member) => known.has(member))) return false;
      known = new Set(present);
      return killGroup(pid, signal);
    },
  };
}

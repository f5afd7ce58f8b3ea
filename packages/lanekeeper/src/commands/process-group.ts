import type { ProcessIdentity } from "./processes.ts";
import type { ProcessTable, SessionLeader } from "./process-table.ts";

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
  readonly identity: ProcessIdentity;
  /** Sends a signal to it; false if nobody was left to receive it, or if the number is another group's now. */
  kill(signal: NodeJS.Signals): boolean;
}

/**
 * The group of a process that led one when it was started; undefined if that process is over, or its number is another's.
 *
 * A group's number is not given to another while one of its members lives. So it is still the same group as long as one of
 * those lives that were in it when it was looked at last, whoever led it.
 */
export function findGroup(table: ProcessTable, identity: ProcessIdentity): FoundGroup | undefined {
  const { pid, mark } = identity;
  const look = (): readonly string[] => table.membersOf(pid).map((member) => `${member.pid} ${member.mark}`);
  const members = look();
  if (!members.includes(`${pid} ${mark}`)) return undefined;
  let known = new Set(members);
  return {
    identity,
    kill(signal) {
      const present = look();
      if (!present.some((member) => known.has(member))) return false;
      known = new Set(present);
      return killGroup(pid, signal);
    },
  };
}

/**
 * What is added to the environment of a command: its id, and the number of the process that starts it. Everything that the
 * command starts inherits both.
 */
export function namesOf(execId: string, starter: number): Readonly<Record<string, string>> {
  return { LANEKEEPER_EXEC_ID: execId, LANEKEEPER_EXEC_STARTER: String(starter) };
}

/**
 * The group that was started for a command by a process that is over; undefined where there is none. The command itself led a
 * session from its start; what it has put into a session of its own started later.
 */
export function findStartedGroup(table: ProcessTable, execId: string): FoundGroup | undefined {
  const isNamed = ({ parent, environment }: SessionLeader): boolean => {
    const { LANEKEEPER_EXEC_ID: id, LANEKEEPER_EXEC_STARTER: starter } = environment;
    // A child is given another parent when its own is over, and not before.
    return id === execId && starter !== undefined && Number(starter) !== parent;
  };
  const [first] = table
    .sessionLeaders()
    .filter(isNamed)
    .toSorted((a, b) => a.started - b.started);
  return first === undefined ? undefined : findGroup(table, { pid: first.pid, mark: first.mark });
}

/** What a process wrote down before it went on: a keeper's, or (`ran`) that of a command. */
export type CrashFact =
  | {
      readonly type: "offered" | "accepted" | "launched" | "ran" | "buried";
      readonly session: string;
      readonly id: string;
    }
  | { readonly type: "told"; readonly session: string; readonly id: string; readonly status: string }
  | ({ readonly type: "started"; readonly attempt: number } & InTurn)
  | ({ readonly type: "shown" } & InTurn)
  | { readonly type: "closing"; readonly life: string };

interface InTurn {
  readonly life: string;
  readonly session: string;
  readonly turn: string;
  readonly id: string;
}

/** What was seen over all lives of a store, and what of it breaks a promise. */
export interface CrashReport {
  readonly accepted: number;
  readonly commands: number;
  /** Messages that ran in more than one life. */
  readonly repeated: number;
  readonly faults: readonly string[];
}

/**
 * Reads what clients were told and what ran. It knows nothing of the store or the runtime.
 *
 * I1. What was accepted has run or is dead-lettered, and whoever asks is told that it completed.
 * I2. What a session accepted began in that order.
 * I3. A message begins again only in a later life, with a later attempt (the one between may have died before its first
 *     line); with the same one only where the life before was told to close.
 * I4. Nothing is run or shown again once its outcome was told, or once its session has begun another turn in that life.
 * I5. The completion of every command that is known to have started was shown, to its session; none started twice.
 */
export function checkCrashes(facts: readonly CrashFact[]): CrashReport {
  const faults: string[] = [];
  const accepted = new Map<string, string[]>();
  const begun = new Map<string, string[]>();
  const last = new Map<string, { readonly life: string; readonly attempt: number }>();
  const completed = new Set<string>();
  const shown = new Set<string>();
  const launched = new Set<string>();
  const ran = new Set<string>();
  const buried = new Set<string>();
  const repeated = new Set<string>();
  const closing = new Set<string>();
  const over = new Set<string>();
  const turns = new Map<string, { readonly turn: string; readonly held: string[] }>();

  /** Notes what a turn holds; the one before it in its session and life is over with it. */
  const hold = ({ life, session, turn }: InTurn, name: string): void => {
    const before = turns.get(`${life} ${session}`);
    if (before?.turn === turn) {
      before.held.push(name);
    } else {
      for (const held of before?.held ?? []) over.add(held);
      turns.set(`${life} ${session}`, { turn, held: [name] });
    }
    if (over.has(name)) faults.push(`${name} came again in ${life} after it was over`);
  };

  for (const fact of facts) {
    if (fact.type === "closing") {
      closing.add(fact.life);
      continue;
    }
    const name = `${fact.session} ${fact.id}`;
    switch (fact.type) {
      case "accepted":
        listOf(accepted, fact.session).push(fact.id);
        break;
      case "started": {
        const before = last.get(name);
        if (before === undefined) listOf(begun, fact.session).push(fact.id);
        else repeated.add(name);
        if (before?.life === fact.life) faults.push(`ran twice in one life: ${name}`);
        const least = before === undefined ? 1 : before.attempt + (closing.has(before.life) ? 0 : 1);
        if (fact.attempt < least) faults.push(`attempt ${fact.attempt} of ${name} again`);
        hold(fact, name);
        last.set(name, fact);
        break;
      }
      case "told":
        // Work that a close handed back goes on in the next life.
        if (fact.status === "suspended" && closing.size > 0) break;
        if (fact.status !== "completed") faults.push(`${name} was told to have ended ${fact.status}`);
        completed.add(name);
        over.add(name);
        break;
      case "shown":
        shown.add(name);
        hold(fact, name);
        break;
      case "launched":
        launched.add(name);
        break;
      case "ran":
        if (ran.has(name)) faults.push(`a command was started twice: ${name}`);
        ran.add(name);
        break;
      case "buried":
        buried.add(name);
        break;
      case "offered":
        break;
    }
  }
  for (const [session, ids] of accepted) {
    const started = listOf(begun, session);
    for (const id of ids) {
      const name = `${session} ${id}`;
      if (buried.has(name)) continue;
      if (!started.includes(id)) faults.push(`lost: ${name}`);
      else if (!completed.has(name)) faults.push(`nobody was told of ${name}`);
    }
    const inOrder = ids.filter((id) => started.includes(id));
    const order = started.filter((id) => ids.includes(id));
    if (order.join() !== inOrder.join()) faults.push(`out of order in ${session}: ${order.join()}`);
  }
  const commands = new Set([...launched, ...ran]);
  for (const name of commands)
    if (!shown.has(name) && !buried.has(name)) faults.push(`no completion: ${name}`);
  const count = [...accepted.values()].reduce((sum, { length }) => sum + length, 0);
  return { accepted: count, commands: commands.size, repeated: repeated.size, faults };
}

function listOf(lists: Map<string, string[]>, key: string): string[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

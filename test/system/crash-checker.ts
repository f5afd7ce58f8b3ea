/** What a process wrote down before it went on. */
export type CrashFact =
  | {
      readonly type: "offered" | "accepted" | "shown" | "launched" | "buried";
      readonly session: string;
      readonly id: string;
    }
  | { readonly type: "told"; readonly session: string; readonly id: string; readonly status: string }
  | {
      readonly type: "started";
      readonly life: string;
      readonly session: string;
      readonly id: string;
      readonly attempt: number;
    };

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
 * I1. What was accepted has run or is dead-lettered.
 * I2. What a session accepted began in that order.
 * I3. A message begins again only in a later life, with a later attempt (the one between may have died before its first
 *     line), and never once its outcome was told.
 * I4. The completion of every command that is known to have started was shown, to its session.
 */
export function checkCrashes(facts: readonly CrashFact[]): CrashReport {
  const faults: string[] = [];
  const accepted = new Map<string, string[]>();
  const begun = new Map<string, string[]>();
  const last = new Map<string, { readonly life: string; readonly attempt: number }>();
  const told = new Set<string>();
  const shown = new Set<string>();
  const launched = new Set<string>();
  const buried = new Set<string>();
  const repeated = new Set<string>();
  for (const fact of facts) {
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
        if (fact.attempt <= (before?.attempt ?? 0)) faults.push(`attempt ${fact.attempt} of ${name} again`);
        if (told.has(name)) faults.push(`ran after its outcome was told: ${name}`);
        last.set(name, fact);
        break;
      }
      case "told":
        if (fact.status !== "completed") faults.push(`${name} was told to have ended ${fact.status}`);
        told.add(name);
        break;
      case "shown":
        shown.add(name);
        break;
      case "launched":
        launched.add(name);
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
      if (!started.includes(id) && !buried.has(`${session} ${id}`)) faults.push(`lost: ${session} ${id}`);
    }
    const inOrder = ids.filter((id) => started.includes(id));
    const order = started.filter((id) => ids.includes(id));
    if (order.join() !== inOrder.join()) faults.push(`out of order in ${session}: ${order.join()}`);
  }
  for (const name of launched)
    if (!shown.has(name) && !buried.has(name)) faults.push(`no completion: ${name}`);
  const count = [...accepted.values()].reduce((sum, { length }) => sum + length, 0);
  return { accepted: count, commands: launched.size, repeated: repeated.size, faults };
}

function listOf(lists: Map<string, string[]>, key: string): string[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

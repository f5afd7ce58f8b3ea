import { appendItem } from "./mailbox-append.ts";
import type { DeadLetterItem } from "./dead-letter.ts";
import { knownName } from "./known-name.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { MailboxLimits, RedriveResult } from "./store.ts";

/**
 * Puts the work of a dead letter back at the end of its session's queue, as if it had just been accepted, and forgets
 * the letter. A message comes back as a followup; a completion belongs to the session's present incarnation; an id that
 * other work has taken meanwhile gives way to a new one.
 */
export function redriveItem(state: MailboxState, letterId: string, limits: MailboxLimits): RedriveResult {
  const letter = state.deadLetters.get(letterId);
  if (letter === undefined) return { status: "missing" };
  const [item] = letter.items as readonly [DeadLetterItem];
  const { sessionKey, type, kind, key, body, meta, wakes, priority, group } = item;
  const session = state.session(sessionKey);
  const incarnation = item.incarnation === undefined ? undefined : state.require(sessionKey).incarnation;
  const known = session?.knownAs(knownName({ id: item.id, incarnation }));
  // Its own earlier end is no reason to refuse it; that of other work is, as long as it is remembered.
  const isTaken = known !== undefined && known.seq !== item.seq;
  const id = isTaken ? state.host.createId() : item.id;
  if (!isTaken && known !== undefined) session!.unknow(knownName({ id, incarnation }));
  const result = appendItem(
    state,
    // A completion that waited for its time is to run now: a person asks for it.
    {
      sessionKey,
      id,
      type,
      kind,
      key,
      body,
      meta,
      wakes: wakes || incarnation !== undefined,
      priority,
      group,
      incarnation,
      mode: "followup",
    },
    { ...limits, overflow: "reject" },
  );
  if (result.status === "accepted") {
    state.deadLetters.remove(letterId);
    return result;
  }
  if (!isTaken && known !== undefined) session!.know(knownName({ id, incarnation }), known);
  if (result.status === "full" || result.status === "overloaded") return result;
  throw new RangeError(`dead letter ${letterId} could not be put back: ${result.status}`);
}

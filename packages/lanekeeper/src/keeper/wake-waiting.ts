import type { SessionRecord } from "../store/store.ts";
import type { Runtime } from "./runtime.ts";
import type { Supervisor } from "../lanes/supervisor.ts";

/** Records of one page. */
const pageSize = 500;

/**
 * Starts the lanes of the sessions in which an earlier keeper left work that may start a turn, in the order of their keys.
 * A store that fails while it is read rejects, and no lane was started.
 */
export async function wakeWaiting(runtime: Runtime, supervisor: Pick<Supervisor, "route">): Promise<void> {
  const waiting: Pick<SessionRecord, "sessionKey" | "mailbox">[] = [];
  let after: string | undefined;
  do {
    const from = after;
    const page = await runtime.request(() =>
      runtime.mailboxes.page({ prefix: "", after: from, limit: pageSize }),
    );
    for (const { sessionKey, mailbox } of page.sessions) {
      if (mailbox.messages + mailbox.events > 0) waiting.push({ sessionKey, mailbox });
    }
    after = page.next;
  } while (after !== undefined);
  for (const { sessionKey, mailbox } of waiting)
    supervisor.route(sessionKey, { type: "mailbox.changed", mailbox });
}

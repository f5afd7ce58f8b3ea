import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper, type Lanekeeper } from "lanekeeper";
import { appendFileSync } from "node:fs";
import type { CrashFact } from "./crash-checker.ts";

// Opens a keeper on a store file, sends to its sessions and runs their turns, and writes every fact to a log before it goes
// on, until it is killed. With "finish" it sends nothing and ends when no work is left. The log outlives the process.

const [path, log, life, mode] = process.argv.slice(2) as [string, string, string, "traffic" | "finish"];
const sessions = ["a", "b", "c", "d", "e", "f"];

function note(fact: CrashFact): void {
  appendFileSync(log, `${JSON.stringify(fact)}\n`);
}

const keeper: Lanekeeper<{ readonly kill?: boolean }, string> = await createLanekeeper<
  { readonly kill?: boolean },
  string
>({
  store: sqliteStore(path),
  capacity: { turns: 4 },
  lane: {
    cap: 10_000,
    retry: { attempts: 3, baseMs: 10, maxMs: 50 },
    maxCrashes: mode === "traffic" ? 1_000 : 2,
  },
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  async turn(turn) {
    const { sessionKey, attempt, messages, events } = turn;
    const session = sessionKey;
    for (const { id } of messages) note({ type: "started", life, session, id, attempt });
    for (const { id } of events) note({ type: "shown", session, id });
    if (messages[0]?.body.kill === true) process.kill(process.pid, "SIGKILL");
    if (mode === "traffic" && messages.length > 0 && Math.random() < 0.2) {
      const { execId } = await turn.exec("true", []);
      note({ type: "launched", session, id: execId });
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    return "done";
  },
});
process.stdout.write("ready\n");

if (mode === "traffic") {
  let sent = 0;
  const sendAll = async (session: string): Promise<void> => {
    for (;;) {
      const id = `${life}-${sent++}`;
      note({ type: "offered", session, id });
      const receipt = await keeper.send(session, {}, { id });
      note({ type: "accepted", session, id });
      const told = receipt.outcome.then(({ status }) => note({ type: "told", session, id, status }));
      // Some wait for their answer, so that mailboxes do not only grow.
      if (Math.random() < 0.5) await told;
    }
  };
  await Promise.all(sessions.map(sendAll));
}

const isIdle = (): boolean => {
  const { running, waiting, live } = keeper.stats();
  return (
    running + waiting === 0 &&
    (live === 0 || sessions.every((key) => keeper.explain(key).blockedBy === "nothing-to-do"))
  );
};
while (!isIdle()) await new Promise((resolve) => setTimeout(resolve, 5));
for (const { sessionKey, items } of await keeper.deadLetters({ limit: 10_000 })) {
  for (const { id } of items) note({ type: "buried", session: sessionKey, id });
}
await keeper.close();

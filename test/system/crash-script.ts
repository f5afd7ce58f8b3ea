import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper, type Lanekeeper, LanekeeperError, type Turn } from "lanekeeper";
import { existsSync, openSync, readFileSync, writeSync } from "node:fs";
import type { CrashFact } from "./crash-checker.ts";

// Opens a keeper on a store file, sends to its sessions and runs their turns, and writes every fact to a log before it goes
// on, until it is killed; SIGTERM closes it. The log outlives the process. "finish" sends nothing, asks what became of
// everything that the log says was accepted, and ends when no work is left; "poisoned" does so where work may be given up.
// It prints what it is about to do: "opening", "serving", "closing".

interface Body {
  readonly kill?: boolean;
}

const [path, log, life, mode, unanswered = "{}"] = process.argv.slice(2) as [
  string,
  string,
  string,
  "traffic" | "finish" | "poisoned",
  string?,
];
const sessions = ["a", "b", "c", "d", "e", "f"];
const known = existsSync(log) ? readFileSync(log, "utf8") : "";
const out = openSync(log, "a");

function note(fact: CrashFact): void {
  writeSync(out, `${JSON.stringify(fact)}\n`);
}

/** What a command itself writes to the log first, its file being the shell's `$0` and its session `$1`. */
const noting = `printf '{"type":"ran","session":"%s","id":"%s"}\\n' "$1" "$LANEKEEPER_EXEC_ID" >> "$0"; `;
/** Commands of all kinds: one that ends at once, later, by its time-out, and only by SIGKILL. */
const commands = ["true", "sleep 0.03", "sleep 600", "trap '' TERM; sleep 600 & wait; sleep 600"];

async function run(turn: Turn<Body>): Promise<string> {
  const { sessionKey: session, id: turnId, attempt, messages, events } = turn;
  for (const { id } of messages) note({ type: "started", life, session, turn: turnId, id, attempt });
  for (const { id } of events) note({ type: "shown", life, session, turn: turnId, id });
  if (messages[0]?.body.kill === true) process.kill(process.pid, "SIGKILL");
  if (mode === "traffic" && messages.length > 0 && Math.random() < 0.2) {
    const script = commands[Math.floor(Math.random() * commands.length)]!;
    const args = ["-c", noting + script, log, session];
    const { execId } = await turn.exec("sh", args, { timeoutMs: 60 }).catch(endIfStoreRefuses);
    note({ type: "launched", session, id: execId });
  }
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  return "done";
}

/** Ends the process as a refused send does: a turn that the store has failed would rightly run again in this life. */
function endIfStoreRefuses(error: unknown): never {
  if (error instanceof LanekeeperError && error.code === "STORE_UNAVAILABLE")
    process.kill(process.pid, "SIGKILL");
  throw error;
}

process.stdout.write("opening\n");
const keeper: Lanekeeper<Body, string> = await createLanekeeper<Body, string>({
  store: sqliteStore(path),
  capacity: { turns: 4 },
  lane: {
    cap: 10_000,
    retry: { attempts: 3, baseMs: 10, maxMs: 50 },
    dedupeMs: 3_600_000,
    abortGraceMs: 30,
    ...(mode === "poisoned" ? {} : { maxCrashes: 1_000 }),
  },
  exec: { killGraceMs: 30 },
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  turn: run,
});
process.once("SIGTERM", () => {
  note({ type: "closing", life });
  process.stdout.write("closing\n");
  void keeper.close();
});
process.stdout.write("serving\n");

async function send(session: string, id: string, waits: boolean): Promise<void> {
  note({ type: "offered", session, id });
  const receipt = await keeper.send(session, {}, { id });
  note({ type: "accepted", session, id });
  const told = receipt.outcome.then(({ status }) => note({ type: "told", session, id, status }));
  if (waits) await told;
}

/** Sends bursts. Some wait for their answers, so that mailboxes do not only grow. */
async function sendAll(session: string): Promise<void> {
  // What has no answer is sent again, by its id, as a client must.
  const open = (JSON.parse(unanswered) as Readonly<Record<string, readonly string[]>>)[session] ?? [];
  await Promise.all(open.map((id) => send(session, id, false)));
  for (let sent = 0; ;) {
    const waits = Math.random() < 0.7;
    const burst = Array.from(
      { length: 1 + Math.floor(Math.random() * 4) },
      () => `${life}-${session}-${sent++}`,
    );
    await Promise.all(burst.map((id) => send(session, id, waits)));
  }
}

async function finish(): Promise<void> {
  const isIdle = (): boolean => {
    const { running, waiting, live } = keeper.stats();
    return (
      running + waiting === 0 &&
      (live === 0 || sessions.every((key) => keeper.explain(key).blockedBy === "nothing-to-do"))
    );
  };
  while (!isIdle()) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const line of known.split("\n").filter((text) => text !== "")) {
    const fact = JSON.parse(line) as CrashFact;
    if (fact.type !== "accepted") continue;
    const { session, id } = fact;
    const receipt = await keeper.attach(session, id);
    if (receipt !== undefined) note({ type: "told", session, id, status: (await receipt.outcome).status });
  }
  for (const { sessionKey, items } of await keeper.deadLetters({ limit: 10_000 })) {
    for (const { id } of items) note({ type: "buried", session: sessionKey, id });
  }
  await keeper.close();
}

if (mode === "traffic") {
  const isClosed = (error: unknown): boolean => error instanceof LanekeeperError && error.code === "CLOSED";
  await Promise.all(
    sessions.map((session) =>
      sendAll(session).catch((error: unknown) => {
        if (!isClosed(error)) throw error;
      }),
    ),
  );
} else {
  await finish();
}

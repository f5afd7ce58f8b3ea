import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Store } from "lanekeeper";
import { CliError } from "./errors.ts";
import type { ReplayFact, ReplayHeader, TimelessFact } from "./replay-fact.ts";
import type { ReplayOptions } from "./replay.ts";
import { howToStartAnew, readJournal, startJournal } from "./replay-journal.ts";
import type { ReplayJournal } from "./replay-journal.ts";
import type { Trace } from "./trace.ts";

/** The file that `--store` names; undefined for `memory`. Throws what the command line tells its user. */
export function parseStore(text: string): string | undefined {
  if (text === "memory") return undefined;
  const path = text.startsWith("sqlite:") ? text.slice("sqlite:".length) : "";
  if (path === "" || path.includes("\0") || path === ":memory:")
    throw new InvalidArgumentError("It takes memory, or sqlite:<file>.");
  return path;
}

/** The durable store of a replay, and the journal beside it. */
export interface ReplayStore {
  /** For the keeper; the journal goes on once the keeper has it. */
  readonly store: Store;
  readonly past: readonly ReplayFact[];
  /** Which life of the replay this is, from 1. */
  readonly life: number;
  /** Trace time at which the last one ended; 0 for the first. */
  readonly resumedAt: number;
  append(fact: TimelessFact, at: number): void;
  readonly failed: ReplayJournal["failed"];
}

/**
 * Opens the store file that the options name and its journal, new or to go on with; undefined where they name none. Throws
 * a `CliError` with code `BAD_STORE` where both are not those of this replay, or it has come to its end.
 */
export async function openReplayStore(
  trace: Trace,
  { storePath: path, shares, ...others }: ReplayOptions,
): Promise<ReplayStore | undefined> {
  if (path === undefined) return undefined;
  const header: ReplayHeader = {
    fact: "replay",
    version: 1,
    trace: { file: trace.name, messages: trace.arrivals.length, sha256: digest(trace) },
    options: { ...others, ...shares },
  };
  const journalPath = `${path}.journal`;
  const before = readJournal(journalPath);
  const lives = before?.past.filter(({ fact }) => fact === "life").length ?? 0;
  const hasStore = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (before === undefined && hasStore)
    throw new CliError(
      "BAD_STORE",
      `${path} is not the store of a replay, or its journal ${journalPath} is gone; ${howToStartAnew}`,
    );
  if (lives > 0 && !hasStore)
    throw new CliError(
      "BAD_STORE",
      `there is a journal ${journalPath}, and its store ${path} is gone; ${howToStartAnew}`,
    );
  if (before !== undefined) assertSame(path, before.past, header);
  const journal = before ?? startJournal(journalPath, header);
  const resumedAt = journal.past.reduce((last, fact) => ("at" in fact ? fact.at : last), 0);
  // Node 22 warns that its SQLite is experimental: only those who use it are to see that.
  const { sqliteStore } = await import("@lanekeeper/sqlite");
  return {
    store: begunWith(sqliteStore(path), () => {
      journal.begin();
      journal.append({ fact: "life", at: resumedAt });
    }),
    past: journal.past,
    life: lives + 1,
    resumedAt,
    append(fact, at) {
      journal.append({ ...fact, at: Math.round(at * 1_000) / 1_000 });
    },
    failed: journal.failed,
  };
}

/** The store, telling when its keeper has it: nobody else has then. */
function begunWith(store: Store, onBegin: () => void): Store {
  return {
    leases: store.leases,
    close: () => store.close(),
    async open(host) {
      const mailboxes = await store.open(host);
      try {
        onBegin();
      } catch (error) {
        await store.close();
        throw error;
      }
      return mailboxes;
    },
  };
}

function assertSame(path: string, past: readonly ReplayFact[], header: ReplayHeader): void {
  const [first] = past;
  const refuse = (why: string) => {
    throw new CliError("BAD_STORE", `${path} ${why}; ${howToStartAnew}`);
  };
  if (first?.fact !== "replay") return;
  if (first.trace.sha256 !== header.trace.sha256)
    refuse(`is the store of a replay of another trace, ${first.trace.file}`);
  for (const name of new Set([...Object.keys(first.options), ...Object.keys(header.options)])) {
    const [was, is] = [first.options[name], header.options[name]];
    if (was !== is) refuse(`is the store of a replay with ${name} ${String(was)}, not ${String(is)}`);
  }
  if (past.some(({ fact }) => fact === "ended")) refuse("is the store of a replay that has come to its end");
}

function digest(trace: Trace): string {
  return createHash("sha256").update(JSON.stringify(trace.arrivals)).digest("hex");
}

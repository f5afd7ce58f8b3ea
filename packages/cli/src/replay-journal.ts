import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { CliError } from "./errors.ts";
import { parseFact } from "./replay-fact.ts";
import type { ReplayFact, ReplayHeader } from "./replay-fact.ts";

/**
 * The file in which a replay on a durable store keeps its own books, so that the four counts cover all its lives.
 *
 * I1 Each line is with the operating system before the replay goes on: a process that is killed loses none.
 * I2 A last line that was cut off was not written. Any other that cannot be read is refused: the counts would be wrong.
 * I3 Nothing is written to a journal that another replay has written to since it was read.
 */
export interface ReplayJournal {
  /** What was written before, in order; the first is what is replayed. */
  readonly past: readonly ReplayFact[];
  /** Begins to write. Throws a `CliError` with code `BAD_STORE` if somebody else has done so since it was read. */
  begin(): void;
  append(fact: ReplayFact): void;
  /** Aborts, with a `CliError` with code `BAD_STORE`, once a line could not be written. */
  readonly failed: AbortSignal;
}

/** Reads a journal; undefined where there is none. Throws a `CliError` with code `BAD_STORE`. */
export function readJournal(path: string): ReplayJournal | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const end = text.lastIndexOf("\n") + 1;
  const past = text
    .slice(0, Math.max(0, end - 1))
    .split("\n")
    .map((line, index) => {
      const fact = parseFact(line);
      if (fact !== undefined && (fact.fact === "replay") === (index === 0)) return fact;
      const what = index === 0 ? "it is not the journal of a replay" : "the line was changed since";
      throw new CliError("BAD_STORE", `${path}, line ${index + 1}: ${what}; ${howToStartAnew}`);
    });
  return openJournal(path, past, Buffer.byteLength(text), Buffer.byteLength(text.slice(0, end)));
}

/** Starts a journal. Throws a `CliError` with code `BAD_STORE`. */
export function startJournal(path: string, header: ReplayHeader): ReplayJournal {
  const line = `${JSON.stringify(header)}\n`;
  try {
    writeFileSync(path, line, { flag: "wx" });
  } catch (cause) {
    throw isMade(cause) ? inUse(path) : cannotWrite(path, cause);
  }
  const bytes = Buffer.byteLength(line);
  return openJournal(path, [header], bytes, bytes);
}

/** What to do where a journal and its store are of no use. */
export const howToStartAnew = "remove the store and its journal to start anew, or name another file";

/** `bytes` were read, of which the first `wholeBytes` end with a whole line. */
function openJournal(
  path: string,
  past: readonly ReplayFact[],
  bytes: number,
  wholeBytes: number,
): ReplayJournal {
  const failure = new AbortController();
  return {
    past,
    failed: failure.signal,
    begin() {
      if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) throw inUse(path);
      if (wholeBytes < bytes) truncateSync(path, wholeBytes);
    },
    append(fact) {
      if (failure.signal.aborted) return;
      try {
        appendFileSync(path, `${JSON.stringify(fact)}\n`);
      } catch (cause) {
        failure.abort(cannotWrite(path, cause));
      }
    },
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new CliError("BAD_STORE", `cannot read the journal ${path}: ${messageOf(cause)}`, { cause });
  }
}

function isMade(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function inUse(path: string): CliError {
  return new CliError(
    "BAD_STORE",
    `another replay has written to ${path} meanwhile; start again when it is over`,
  );
}

function cannotWrite(path: string, cause: unknown): CliError {
  return new CliError("BAD_STORE", `cannot write the journal ${path}: ${messageOf(cause)}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

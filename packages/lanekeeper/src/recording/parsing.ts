import { LanekeeperError } from "../keeper/errors.ts";
import { decode } from "./encoding.ts";
import { fromLine } from "./lines.ts";
import { Lexicon } from "./vocabulary.ts";
import type { Recording, RecordingEntry, RecordingHeader } from "./recording.ts";

/** The format that this package reads and writes. */
const currentVersion = 1;

/** Reads a recording line by line. Each member throws `RECORDING_INVALID`. */
export interface RecordingParser {
  line(line: string): void;
  /** There are no more. A last line that is no JSON is left out: the process that wrote it died over it. */
  end(): Recording;
}

/** Begins to read. `where` is what the lines come from, for people. */
export function createParser(where: string): RecordingParser {
  let header: RecordingHeader | undefined;
  let lines = 0;
  let broken: string | undefined;
  let at = 0;
  const entries: RecordingEntry[] = [];
  const done = new Map<number, Did>();
  const lexicon = new Lexicon();

  const damaged = (number: number, line: string): LanekeeperError =>
    invalid(
      `Line ${number} of ${where} must be an entry of a recording; it is ${shorten(line)}. The file was changed or damaged: take a copy that was not.`,
      { line: number },
    );
  return {
    line(line) {
      lines++;
      if (header === undefined) {
        header = parseHeader(line, where);
        at = header.startedMono;
        return;
      }
      if (broken !== undefined) throw damaged(lines - 1, broken);
      const parsed = parseLine(line);
      const entry = parseEntry(parsed, at, lexicon);
      if (entry === undefined) {
        if (parsed !== undefined) throw damaged(lines, line);
        broken = line;
        return;
      }
      entries.push(entry);
      ({ at } = entry);
      if (entry.type === "turn.did") done.set(entry.call, entry);
      else noteGot(done, entry);
    },
    end: () => ({ header: header ?? parseHeader("", where), entries }),
  };
}

/** Reads the lines of a recording. Throws `RECORDING_INVALID`. */
export function parseRecording(lines: readonly string[], where: string): Recording {
  const parser = createParser(where);
  for (const line of lines) parser.line(line);
  return parser.end();
}

type Did = { -readonly [Key in keyof DidEntry]: DidEntry[Key] };
type DidEntry = RecordingEntry & { readonly type: "turn.did" };

/** What a turn did says what it got at once. */
function noteGot(done: Map<number, Did>, entry: RecordingEntry): void {
  if (done.size === 0) return;
  if (entry.type === "answer" || entry.type === "refusal") {
    const did = done.get(entry.call);
    if (entry.type === "answer" && did !== undefined) did.got = entry.value;
    else if (entry.type === "refusal" && did !== undefined)
      did.refusal = { code: entry.code, message: entry.message };
  }
  // Whatever is not told before the next thing the keeper does or is told was not got at once.
  if (entry.type === "entered" || entry.type === "call" || entry.type === "turn.did") done.clear();
}

/** Undefined for what is no entry. */
function parseEntry(line: unknown, lastAt: number, lexicon: Lexicon): RecordingEntry | undefined {
  try {
    return fromLine(line, lastAt, lexicon);
  } catch {
    // A number that is none, or a reference to nothing.
    return undefined;
  }
}

function parseHeader(line: string, where: string): RecordingHeader {
  const header = parseLine(line) as Partial<RecordingHeader> | undefined;
  if (header?.format !== "lanekeeper-recording" || typeof header.startedMono !== "number") {
    throw invalid(
      `${where} must begin with the header of a Lanekeeper recording; it begins with ${shorten(line)}. Give a file that recordToFile has written.`,
      {},
    );
  }
  const version: unknown = header.version;
  if (version !== currentVersion) {
    throw invalid(
      `${where} has format version ${String(version)}; this package reads version ${currentVersion}. Use the release of lanekeeper that has written it.`,
      { version, reads: currentVersion },
    );
  }
  const decoded = decode(header) as RecordingHeader;
  const fault = headerParts.find(([path, kind]) => kindOf(memberAt(decoded, path)) !== kind);
  if (fault === undefined) return decoded;
  const [path, kind] = fault;
  const found = memberAt(decoded, path);
  throw invalid(
    `The header of ${where} must have ${path}, ${kind}; it has ${found === undefined ? "none" : shorten(JSON.stringify(found))}. The file was changed or damaged: take a copy that was not.`,
    { line: 1, member: path },
  );
}

/** What a header has. */
const headerParts: readonly (readonly [path: string, kind: string])[] = [
  ["lanekeeper", "a text"],
  ["startedAt", "a number"],
  ["options.capacity", "an object"],
  ["options.lane", "an object"],
  ["options.heartbeats", "a list"],
  ["options.exec", "an object"],
  ["made.instance", "a text"],
  ["made.laneSettings", "an object"],
];

function memberAt(header: object, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, name) => (value as Readonly<Record<string, unknown>> | undefined)?.[name],
      header,
    );
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}

/** Undefined for what is no JSON. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

function shorten(line: string): string {
  if (line === "") return "empty";
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line);
}

function invalid(message: string, details: Record<string, unknown>): LanekeeperError {
  return new LanekeeperError("RECORDING_INVALID", message, details);
}

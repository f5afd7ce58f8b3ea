import { LanekeeperError } from "../keeper/errors.ts";
import { decode } from "./encoding.ts";
import type { Recording, RecordingEntry, RecordingHeader } from "./recording.ts";

/** The format that this package reads and writes. */
const currentVersion = 1;

/**
 * Reads the lines of a recording; `where` is what it came from, for people. A last line that is no JSON is left out: the
 * process that wrote it died over it. Throws `RECORDING_INVALID`.
 */
export function parseRecording(lines: readonly string[], where: string): Recording {
  const [first, ...rest] = lines;
  const header = parseHeader(first, where);
  const entries: RecordingEntry[] = [];
  for (const [index, line] of rest.entries()) {
    const entry = parseLine(line);
    if (isEntry(entry)) {
      entries.push(decode(entry) as RecordingEntry);
      continue;
    }
    if (entry === undefined && index === rest.length - 1) break;
    throw invalid(
      `Line ${index + 2} of ${where} must be an entry of a recording; it is ${shorten(line)}. The file was changed or damaged: take a copy that was not.`,
      { line: index + 2 },
    );
  }
  return { header, entries };
}

function parseHeader(line: string | undefined, where: string): RecordingHeader {
  const header = parseLine(line ?? "") as Partial<RecordingHeader> | undefined;
  if (header?.format !== "lanekeeper-recording" || typeof header.startedAt !== "number") {
    throw invalid(
      `${where} must begin with the header of a Lanekeeper recording; it begins with ${shorten(line ?? "")}. Give a file that recordToFile has written.`,
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
  return decode(header) as RecordingHeader;
}

function isEntry(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { at, type } = value as { readonly at?: unknown; readonly type?: unknown };
  return typeof at === "number" && typeof type === "string";
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

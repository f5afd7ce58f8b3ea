import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import * as v from "valibot";
import { CliError } from "./errors.ts";

const count = v.pipe(
  v.number("must be a number"),
  v.safeInteger("must be a whole number"),
  v.minValue(0, "must not be negative"),
);

const arrivalSchema = v.object(
  {
    at: v.pipe(
      v.number("must be a number"),
      v.finite("must be finite"),
      v.minValue(0, "must not be negative"),
    ),
    session: v.pipe(
      v.string("must be a string"),
      v.trim(),
      v.minLength(1, "must not be empty"),
      v.maxLength(512, "must be at most 512 characters long"),
      v.check(isPlainText, "must not contain control characters, line separators or lone surrogates"),
    ),
    inputTokens: count,
    outputTokens: count,
  },
  (issue) => (issue.received === "undefined" ? "is missing" : "must be an object"),
);

/** One request of a trace: `at` in milliseconds since the trace began, sizes in tokens. */
export type Arrival = v.InferOutput<typeof arrivalSchema>;

/** A recorded stretch of traffic, in order of arrival. */
export interface Trace {
  /** The file's name, for people. */
  readonly name: string;
  readonly arrivals: readonly Arrival[];
  /** How many sessions the requests belong to. */
  readonly sessions: number;
}

/** Reads a trace file; throws a `CliError` with code `BAD_TRACE` that names the file and, where there is one, the line. */
export async function readTrace(path: string): Promise<Trace> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new CliError("BAD_TRACE", `cannot read the trace ${path}: ${describeReadError(cause)}`, { cause });
  }
  return parseTrace(text, path);
}

/** Parses a trace, one JSON object a line; throws a `CliError` with code `BAD_TRACE`. */
export function parseTrace(text: string, path: string): Trace {
  const arrivals = text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [parseLine(line, `${path}, line ${index + 1}`)]));
  if (arrivals.length === 0) throw new CliError("BAD_TRACE", `the trace ${path} is empty`);
  arrivals.sort((one, other) => one.at - other.at);
  return { name: basename(path), arrivals, sessions: new Set(arrivals.map(({ session }) => session)).size };
}

function parseLine(line: string, place: string): Arrival {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new CliError("BAD_TRACE", `${place}: not valid JSON`, { cause });
  }
  if (Array.isArray(value)) throw new CliError("BAD_TRACE", `${place}: it must be an object`);
  const parsed = v.safeParse(arrivalSchema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue);
  throw new CliError("BAD_TRACE", `${place}: ${field === null ? "it" : `"${field}"`} ${issue.message}`);
}

function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text);
}

function describeReadError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a directory";
  if (code === "EACCES") return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

import type { LanekeeperError } from "lanekeeper";
import { invalidOption } from "lanekeeper/ports";

/** Checks the path of a file that a call is given; `inMemory` says what to use for one in memory. Throws `INVALID_OPTION`. */
export function checkPath(call: string, path: unknown, inMemory: string): string {
  const invalid = (takes: string): LanekeeperError =>
    invalidOption("path", path, takes, `The path of ${call}`);
  if (path instanceof URL) throw invalid("a text (fileURLToPath(url) gives it)");
  if (typeof path !== "string") throw invalid("the path of a file, as a text");
  if (path.includes("\0"))
    throw invalid("a path without the character NUL (\\0), which no file's name may hold");
  if (path === "" || path === ":memory:") throw invalid(`the path of a file (${inMemory})`);
  if (/^file:/iu.test(path))
    throw invalid(`a plain path, not a URI of SQLite (a file of that name is "./${path}")`);
  const end = /-(?:wal|shm|journal|holder)$/u.exec(path)?.[0];
  if (end !== undefined)
    throw invalid(`a path that does not end in "${end}", as what belongs to another such file does`);
  return path;
}

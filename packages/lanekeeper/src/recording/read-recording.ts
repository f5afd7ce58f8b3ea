import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { constants, createGunzip } from "node:zlib";
import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";
import { createParser } from "./parsing.ts";
import type { Recording } from "./recording.ts";

/**
 * Reads a file that `recordToFile` has written, also of a process that died while it wrote; one whose name ends in `.gz` is
 * decompressed. Rejects with `RECORDING_INVALID` for a file that cannot be read, is no recording, is of another format or
 * was damaged.
 */
export async function readRecording(path: string): Promise<Recording> {
  const parser = createParser(path);
  try {
    for await (const line of linesOf(path)) parser.line(line);
  } catch (error) {
    if (error instanceof LanekeeperError) throw error;
    throw new LanekeeperError(
      "RECORDING_INVALID",
      `${path} cannot be read: ${messageOf(toError(error))}. Give the path of a file that recordToFile has written.`,
      { path },
      { cause: error },
    );
  }
  return parser.end();
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  // What a process that was killed has written ends anywhere.
  const text = path.endsWith(".gz") ? file.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })) : file;
  const failure = new Promise<never>((_, reject) => {
    file.on("error", reject);
    text.on("error", reject);
  });
  failure.catch(() => {});
  const lines = createInterface({ input: text, crlfDelay: Infinity })[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([lines.next(), failure]);
    if (next.done === true) return;
    yield next.value;
  }
}

import { createWriteStream, openSync, type WriteStream } from "node:fs";
import { format, parse } from "node:path";
import * as v from "valibot";
import type { Recorder } from "../keeper/interposer.ts";
import { check, count, members, optional, text } from "../keeper/validation.ts";
import { recordTo } from "./recorder.ts";
import type { RecordingSink } from "./recording-log.ts";

/** How a recording is written to a file. */
export interface RecordToFileOptions {
  /** Bytes after which the recording ends, with a line in the log. Default 1 GiB. */
  readonly maxBytes?: number | undefined;
}

/** A recorder that writes a file. */
export interface FileRecorder extends Recorder {
  /** The file that is written; undefined before its keeper was created. */
  readonly path: string | undefined;
}

/** Characters that may wait for the disk before the recording ends. */
const mostWaiting = 64 * 1_024 * 1_024;
/** Milliseconds that a closing keeper waits for the disk. */
const endMs = 5_000;
const optionsSchema = members({ maxBytes: optional(count(1)) });

/**
 * Records one keeper into a file, which `readRecording` and `lanekeeper replay-recording` read. A file that is there already
 * is kept: the new one's name gets a number. What the disk refuses (full, gone, too slow) ends the recording with a line in
 * the keeper's log, and nothing else. Closing the keeper waits for the file, at most 5 s. Throws `INVALID_OPTION`.
 */
export function recordToFile(path: string, options: RecordToFileOptions = {}): FileRecorder {
  const wanted = check("path", text(1), path);
  const { maxBytes = 2 ** 30 } = check("options", v.optional(optionsSchema, {}), options);
  let written: string | undefined;
  const recorder = recordTo(
    fileSink(() => {
      const opened = openNew(wanted);
      written = opened.path;
      return createWriteStream(opened.path, { fd: opened.descriptor });
    }, maxBytes),
  );
  return {
    begin: (settings) => recorder.begin(settings),
    get path() {
      return written;
    },
  };
}

/** Creates a file that is not there yet: of this name, or with a number behind it. */
function openNew(path: string): { readonly path: string; readonly descriptor: number } {
  const { dir, name, ext } = parse(path);
  for (let number = 1; ; number++) {
    const tried = number === 1 ? path : format({ dir, name: `${name}-${number}`, ext });
    try {
      return { path: tried, descriptor: openSync(tried, "wx") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Lines are handed to the system once a turn of the event loop, so that a process that is killed has written all but the last. */
function fileSink(openFile: () => WriteStream, maxBytes: number): RecordingSink {
  let stream: WriteStream | undefined;
  let fail: (error: unknown) => void = () => {};
  let collected: string[] = [];
  let bytes = 0;
  let hasFailed = false;

  const flush = (): void => {
    if (collected.length === 0 || hasFailed) return;
    const chunk = collected.join("");
    collected = [];
    bytes += Buffer.byteLength(chunk);
    stream?.write(chunk);
    if (bytes > maxBytes) stop(new Error(`it has reached its limit of ${maxBytes} bytes (maxBytes)`));
    else if (stream !== undefined && stream.writableLength > mostWaiting)
      stop(new Error(`the disk is more than ${mostWaiting} bytes behind`));
  };
  const stop = (error: unknown): void => {
    hasFailed = true;
    collected = [];
    fail(error);
    stream?.end();
  };
  return {
    begin(line, failed) {
      fail = failed;
      stream = openFile();
      stream.on("error", (error) => {
        if (!hasFailed) stop(error);
      });
      stream.write(`${line}\n`);
    },
    write(line) {
      if (collected.push(`${line}\n`) === 1) setImmediate(flush);
    },
    end() {
      flush();
      return new Promise((resolve) => {
        if (stream === undefined || stream.closed) {
          resolve();
          return;
        }
        const late = setTimeout(resolve, endMs);
        stream.once("close", () => {
          clearTimeout(late);
          resolve();
        });
        if (!stream.writableEnded) stream.end();
      });
    },
  };
}

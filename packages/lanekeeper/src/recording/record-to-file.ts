import { createWriteStream, openSync } from "node:fs";
import { format, parse } from "node:path";
import type { Writable } from "node:stream";
import { constants, createGzip, type Gzip } from "node:zlib";
import * as v from "valibot";
import type { Recorder } from "../keeper/interposer.ts";
import { check, count, flag, members, optional, text } from "../keeper/validation.ts";
import { recordTo } from "./recorder.ts";
import type { RecordingSink } from "./recording-log.ts";

/** How a recording is written to a file. */
export interface RecordToFileOptions {
  /** Bytes of text after which the recording ends, with a line in the log. Default 256 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Whether every character of what people and agents say is written as an `x`: bodies, replies, what turns emit and note,
   * commands and their output, `meta`, messages of errors. Lengths stay, and so does the playback. Default false.
   */
  readonly hideContents?: boolean | undefined;
}

/** A recorder that writes a file. */
export interface FileRecorder extends Recorder {
  /** The file that is written; undefined before its keeper was created. */
  readonly path: string | undefined;
}

/** Bytes that may wait for the disk before the recording ends. */
const mostWaiting = 64 * 1_024 * 1_024;
/** Milliseconds that a closing keeper waits for the disk. */
const endMs = 5_000;
/** Milliseconds until what was compressed is on its way to the disk, whatever more may come to it. */
const flushMs = 200;

const optionsSchema = members({ maxBytes: optional(count(1)), hideContents: optional(flag) });

/**
 * Records one keeper into a file, which `readRecording` and `lanekeeper replay-recording` read; compressed if its name ends in
 * `.gz`. A file that is there already is kept: the new one's name gets a number. What the disk refuses (full, gone, too
 * slow) ends the recording with a line in the keeper's log, and nothing else. Closing the keeper waits for the file, at most
 * 5 s. Throws `INVALID_OPTION`.
 */
export function recordToFile(path: string, options: RecordToFileOptions = {}): FileRecorder {
  const wanted = check("path", text(1), path);
  const { maxBytes = 2 ** 28, hideContents = false } = check(
    "options",
    v.optional(optionsSchema, {}),
    options,
  );
  let written: string | undefined;
  const sink = fileSink((failed) => {
    const opened = openNew(wanted);
    written = opened.path;
    return createTarget(opened, failed);
  }, maxBytes);
  const recorder = recordTo(sink, { hideContents });
  return {
    begin: (settings) => recorder.begin(settings),
    get path() {
      return written;
    },
  };
}

interface OpenedFile {
  readonly path: string;
  readonly descriptor: number;
}

/** Creates a file that is not there yet: of this name, or with a number behind it. */
function openNew(path: string): OpenedFile {
  const { dir, name, ext } = parse(path);
  for (let number = 1; ; number++) {
    const tried = number === 1 ? path : format({ dir, name: numbered(name, number), ext });
    try {
      return { path: tried, descriptor: openSync(tried, "wx") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** `gateway-2` for `gateway`, `gateway-2.jsonl` for `gateway.jsonl`. */
function numbered(name: string, number: number): string {
  const inner = parse(name);
  return `${inner.name}-${number}${inner.ext}`;
}

/** What a recording is written into. */
interface Target {
  /** Bytes that wait. */
  readonly waiting: number;
  write(chunk: string): void;
  /** Ends it; calls back when the file is closed. */
  end(closed: () => void): void;
}

function createTarget({ path, descriptor }: OpenedFile, failed: (error: unknown) => void): Target {
  const file = createWriteStream(path, { fd: descriptor });
  file.on("error", failed);
  if (!path.endsWith(".gz")) return toTarget(file, file, () => {});
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  gzip.on("error", failed);
  gzip.pipe(file);
  return toTarget(gzip, file, createFlush(gzip));
}

function toTarget(entrance: Writable, file: Writable, written: () => void): Target {
  return {
    get waiting() {
      return entrance.writableLength + (entrance === file ? 0 : file.writableLength);
    },
    write(chunk) {
      entrance.write(chunk);
      written();
    },
    end(closed) {
      if (file.closed) closed();
      else file.once("close", closed);
      if (!entrance.writableEnded) entrance.end();
    },
  };
}

/** A process that is killed loses what its compression holds back: not more than what came in the last moment. */
function createFlush(gzip: Gzip): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (!gzip.writableEnded) gzip.flush(constants.Z_SYNC_FLUSH);
    }, flushMs).unref();
  };
}

/** Lines are handed over once a turn of the event loop, so that a process that is killed has written all but the last. */
function fileSink(open: (failed: (error: unknown) => void) => Target, maxBytes: number): RecordingSink {
  let target: Target | undefined;
  let tell: (error: unknown) => void = () => {};
  let collected: string[] = [];
  let bytes = 0;
  let hasFailed = false;

  const fail = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    collected = [];
    tell(error);
    target?.end(() => {});
  };
  const flush = (): void => {
    if (collected.length === 0 || hasFailed || target === undefined) return;
    const chunk = collected.join("");
    collected = [];
    bytes += Buffer.byteLength(chunk);
    target.write(chunk);
    if (bytes > maxBytes) fail(new Error(`it has reached its limit of ${maxBytes} bytes (maxBytes)`));
    else if (target.waiting > mostWaiting)
      fail(new Error(`the disk is more than ${mostWaiting} bytes behind`));
  };
  return {
    begin(line, failed) {
      tell = failed;
      target = open(fail);
      target.write(`${line}\n`);
    },
    write(line) {
      if (collected.push(`${line}\n`) === 1) setImmediate(flush);
    },
    end() {
      flush();
      return new Promise((resolve) => {
        if (target === undefined) {
          resolve();
          return;
        }
        const late = setTimeout(resolve, endMs);
        target.end(() => {
          clearTimeout(late);
          resolve();
        });
      });
    },
  };
}

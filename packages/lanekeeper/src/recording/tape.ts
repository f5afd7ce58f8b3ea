import { isDeepStrictEqual } from "node:util";
import { LanekeeperError } from "../keeper/errors.ts";
import { encodeText } from "./encoding.ts";
import { createContentHider } from "./hidden-contents.ts";
import type { Recording, RecordingEntry } from "./recording.ts";

/**
 * A recording that is being played back: where it is, and whether the keeper does what it says.
 *
 * I1. What the keeper does is taken from the tape in the order of the recording; the first thing that is another ends the
 *     playback.
 * I2. After the end, or the first difference, the keeper is given nothing more to go on with, and nothing throws in it.
 */
export interface Tape {
  /** The entry that comes next; undefined at the end. */
  readonly next: RecordingEntry | undefined;
  /** Monotonic milliseconds. */
  readonly mono: number;
  /** The first difference. */
  readonly divergence: LanekeeperError | undefined;
  /** Entries that were played and compared. */
  readonly played: number;
  /**
   * Takes what the keeper did, and gives the entry that says so; undefined if the next one says something else, or nothing
   * does any more.
   */
  take<Type extends RecordingEntry["type"]>(done: Done<Type>): Entry<Type> | undefined;
  /** Whether an entry says what was done, in everything that whoever did it decides. */
  agrees(entry: RecordingEntry, done: Done<RecordingEntry["type"]>): boolean;
  /** Goes past the next entry. */
  advance(): void;
  /** The keeper calls host code, of which `call` is what the playback does: plays what came about inside. */
  callOut(call?: () => void): void;
  /** The keeper calls its logger. */
  callLogger(): void;
  /** Plays what came about inside the host code that is being called. */
  playInside(): void;
  /** Plays entries that cause something; set by who can. */
  play: (entry: RecordingEntry) => void;
  /** Looks that were taken at the clock since the last entry; the time may move with each. */
  look(): void;
  /** Ends the playback with a difference. */
  diverge(expected: unknown, actual: unknown): void;
  /** Looks at the keeper in a way that the recording knows nothing of. */
  aside<T>(look: () => T): T;
  /** Whether somebody looks so. */
  readonly isAside: boolean;
  /** Whether nothing is played any more. */
  readonly isOver: boolean;
  /** Milliseconds by which the wall clock is ahead of the monotonic one. */
  readonly ahead: number;
}

/** An entry of one type. */
export type Entry<Type> = Extract<RecordingEntry, { readonly type: Type }>;
/** Who can play which entries: each says whether it can as things are, and goes past the entry if so. */
export type Players = { readonly [Type in RecordingEntry["type"]]?: (entry: Entry<Type>) => boolean };
/** What the keeper did: the members of the entry that are its own doing. */
export type Done<Type> = { readonly type: Type } & Partial<Omit<Entry<Type>, "type">>;

/** Puts a recording in. */
export function createTape({ header, entries }: Recording): Tape {
  const end = entries.length;
  const hide: (done: object) => object = header.made.hidesContents
    ? (createContentHider() as (done: object) => object)
    : (done) => done;
  let cursor = 0;
  let looks = 0;
  let outs = 0;
  let inside: number | undefined;
  let mono = header.startedMono;
  let ahead = header.startedAt - header.startedMono;
  let divergence: LanekeeperError | undefined;
  let isAside = false;

  /** Where the next entry is, past those that only say when it happens. */
  const nextAt = (): number => {
    let at = cursor;
    for (let entry = entries[at]; entry?.type === "time" && entry.looks === 0; entry = entries[at]) at++;
    return at;
  };
  const moveTo = (at: number): void => {
    for (; cursor <= at; cursor++) {
      const entry = entries[cursor]!;
      mono = entry.at;
      if (entry.type === "time" && entry.wall !== undefined) ahead = entry.wall - entry.at;
    }
    looks = 0;
  };
  const tape: Tape = {
    get next() {
      const at = nextAt();
      return at < end ? entries[at] : undefined;
    },
    get mono() {
      return mono;
    },
    get ahead() {
      return ahead;
    },
    get divergence() {
      return divergence;
    },
    get played() {
      return cursor;
    },
    get isAside() {
      return isAside;
    },
    aside(look) {
      isAside = true;
      try {
        return look();
      } finally {
        isAside = false;
      }
    },
    get isOver() {
      return divergence !== undefined || cursor >= end;
    },
    take<Type extends RecordingEntry["type"]>(done: Done<Type>) {
      tape.playInside();
      const entry = tape.next;
      if (entry === undefined || divergence !== undefined) return undefined;
      if (!tape.agrees(entry, done)) {
        tape.diverge(entry, done);
        return undefined;
      }
      tape.advance();
      return entry as Entry<Type>;
    },
    agrees(entry, done) {
      const said = entry as unknown as Record<string, unknown>;
      return Object.entries(hide(done)).every(([field, value]) => isSame(said[field], value));
    },
    advance() {
      const at = nextAt();
      // What a call gives may be contents.
      hide(entries[at]!);
      moveTo(at);
    },
    callOut(call) {
      const outer = inside;
      inside = ++outs;
      try {
        call?.();
        tape.playInside();
      } finally {
        inside = outer;
      }
    },
    playInside() {
      if (inside === undefined) return;
      for (let entry = tape.next; entry?.inside === inside && !tape.isOver; entry = tape.next)
        tape.play(entry);
    },
    callLogger() {
      // Within another call of host code that one's turn comes later.
      if (inside !== undefined) return;
      inside = 0;
      tape.playInside();
      inside = undefined;
    },
    play: () => {},
    look() {
      if (isAside || tape.isOver) return;
      looks++;
      const entry = entries[cursor]!;
      if (entry.type === "time" && entry.looks === looks) moveTo(cursor);
    },
    diverge(expected, actual) {
      divergence ??= new LanekeeperError(
        "RECORDING_DIVERGED",
        `Entry ${cursor + 1} of the recording, at ${mono} ms, says ${show(expected)}; the keeper came to ${show(actual)}. The runtime, or the recording, is not what it was.`,
        { entry: cursor, at: mono, expected, actual },
      );
    },
  };
  return tape;
}

/** Whether two values are written alike. */
function isSame(expected: unknown, actual: unknown): boolean {
  if (expected === actual) return true;
  const [expectedText, actualText] = [encodeText(expected), encodeText(actual)];
  return expectedText === actualText || isDeepStrictEqual(JSON.parse(expectedText), JSON.parse(actualText));
}

function show(value: unknown): string {
  if (value === undefined) return "nothing more";
  const text = encodeText(value);
  return text.length > 500 ? `${text.slice(0, 499)}…` : text;
}

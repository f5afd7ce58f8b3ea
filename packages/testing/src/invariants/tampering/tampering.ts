import type { LanekeeperEvent, LaneSettings } from "lanekeeper";
import type { Recording, RecordingEntry } from "lanekeeper/recording";
import type { KeeperOptions } from "../life.ts";
import type { EntryOf, EventOf } from "../step.ts";

type Entries = readonly RecordingEntry[];
/** Whether an entry is one that is to be tampered with. */
export type Match = (entry: RecordingEntry, index: number, entries: Entries) => boolean;
/** Gives recordings that are wrong in one place each, made of a true one. */
export type Tampering = (recording: Recording) => Iterable<Recording>;
/** What is to be different in an entry: undefined where it is not fit for that. */
type Change = (entry: RecordingEntry, index: number, entries: Entries) => RecordingEntry | undefined;

/** An event of one type. */
export function event<T extends LanekeeperEvent["type"]>(
  type: T,
  is: (event: EventOf<T>) => boolean = () => true,
): Match {
  return (one) => one.type === "event" && one.event.type === type && is(one.event as EventOf<T>);
}

/** A state of a lane. */
export function lane(detail: string): Match {
  return event("lane.state", (told) => told.detail === detail);
}

/** An entry of one type. */
export function entry<T extends RecordingEntry["type"]>(
  type: T,
  is: (entry: EntryOf<T> & { readonly at: number }) => boolean = () => true,
): Match {
  return (one) => one.type === type && is(one as EntryOf<T> & { readonly at: number });
}

/** A call of a member. */
export function call(method: string, is: (args: readonly unknown[]) => boolean = () => true): Match {
  return entry("call", (one) => one.method === method && is(one.args));
}

/** What a turn's code asked of it. */
export function did(what: string): Match {
  return entry("turn.did", (one) => one.what === what);
}

/** What a call of a member came to. */
export function endOf(match: Match, type: "answer" | "refusal" = "answer"): Match {
  return (one, _, entries) =>
    one.type === type &&
    entries.some(
      (asked, index) => "call" in asked && asked.call === one.call && match(asked, index, entries),
    );
}

/** One of several. */
export function either(...matches: readonly Match[]): Match {
  return (...of) => matches.some((match) => match(...of));
}

/** Each that matches in turn is left out. */
export function without(match: Match): Tampering {
  return spliced(match, () => []);
}

/** All that match are left out. */
export function withoutAll(match: Match): Tampering {
  return function* ({ header, entries }) {
    const kept = entries.filter((...of) => !match(...of));
    if (kept.length < entries.length) yield { header, entries: kept };
  };
}

/** Each that matches in turn stands there twice. */
export function twice(match: Match): Tampering {
  return spliced(match, (one) => [one, one]);
}

/** Each that matches in turn is another. */
export function changed(match: Match, change: Change): Tampering {
  return spliced(match, (...of) => {
    const other = change(...of);
    return other === undefined ? undefined : [other];
  });
}

/** Members of each event of a type, in turn, are others. */
export function retold<T extends LanekeeperEvent["type"]>(
  type: T,
  change: (event: EventOf<T>) => Partial<EventOf<T>> | undefined,
): Tampering {
  return changed(event(type), (one) => {
    const told = (one as EntryOf<"event">).event as EventOf<T>;
    const members = change(told);
    return members && ({ ...one, event: { ...told, ...members } } as RecordingEntry);
  });
}

/** All that match are others. */
export function changedAll(match: Match, change: Change): Tampering {
  return function* ({ header, entries }) {
    yield { header, entries: entries.map((...of) => (match(...of) ? (change(...of) ?? of[0]) : of[0])) };
  };
}

/** Something is added behind each that matches, in turn. */
export function followed(match: Match, add: (...of: Parameters<Match>) => Entries | undefined): Tampering {
  return spliced(match, (...of) => {
    const added = add(...of);
    return added && [of[0], ...added];
  });
}

/** An event that is told behind each that matches, in turn; of its session. */
export function followedBy<T extends LanekeeperEvent["type"]>(
  match: Match,
  type: T,
  members: (event: EventOf<LanekeeperEvent["type"]>) => Partial<EventOf<T>> | undefined,
): Tampering {
  return followed(match, (one) => {
    const before = sourceOf(one);
    const added = members(before);
    if (added === undefined) return undefined;
    const { at, sessionKey } = before as LanekeeperEvent & { readonly sessionKey: string };
    return [
      { at: one.at, type: "event", event: { type, at, sessionKey, ...added } as unknown as LanekeeperEvent },
    ];
  });
}

/** A call that is made, and answered at once, behind each that matches, in turn. */
export function followedByCall(
  match: Match,
  method: string,
  args: (entry: RecordingEntry, entries: Entries) => readonly unknown[],
  value?: unknown,
  on?: (entry: RecordingEntry, entries: Entries) => number | undefined,
): Tampering {
  return followed(match, (one, _, entries) => [
    { at: one.at, type: "call", call: strange, method, args: args(one, entries), on: on?.(one, entries) },
    { at: one.at, type: "answer", call: strange, value },
  ]);
}

/** The keeper's lanes are said to have had other settings. */
export function laneWas(settings: LaneSettings): Tampering {
  return function* ({ header, entries }) {
    const laneSettings = { ...(header.made.laneSettings as LaneSettings), ...settings };
    yield { header: { ...header, made: { ...header.made, laneSettings } }, entries };
  };
}

/** The keeper's options are said to have been others. */
export function optionsWere(change: (options: KeeperOptions) => Partial<KeeperOptions>): Tampering {
  return function* ({ header, entries }) {
    const options = header.options as unknown as KeeperOptions;
    yield { header: { ...header, options: { ...header.options, ...change(options) } }, entries };
  };
}

/** The number of a call that nobody made. */
const strange = 1_000_000;

/** What an entry tells of, with its session. */
function sourceOf(one: RecordingEntry): EventOf<LanekeeperEvent["type"]> {
  return one.type === "event" ? one.event : ({ ...one, at: Number.NaN } as unknown as LanekeeperEvent);
}

function spliced(match: Match, replace: (...of: Parameters<Match>) => Entries | undefined): Tampering {
  return function* ({ header, entries }) {
    for (const [index, one] of entries.entries()) {
      if (!match(one, index, entries)) continue;
      const others = replace(one, index, entries);
      if (others !== undefined)
        yield { header, entries: [...entries.slice(0, index), ...others, ...entries.slice(index + 1)] };
    }
  };
}

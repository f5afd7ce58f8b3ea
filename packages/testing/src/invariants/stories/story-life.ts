import type { HeartbeatOptions, LaneSettings } from "lanekeeper";
import type { RecordingEntry, RecordingHeader } from "lanekeeper/recording";
import type { RecordedCapacity } from "../life.ts";

/** What a keeper of a story was made with. */
export interface Premises {
  readonly lane?: LaneSettings;
  readonly capacity?: RecordedCapacity;
  readonly heartbeats?: readonly (Partial<HeartbeatOptions> & { readonly agent: string })[];
  /** Whether its recording began when it had been running. */
  readonly isCutOff?: boolean;
  /** Whether texts are unreadable in it. */
  readonly hidesContents?: boolean;
}

/** One keeper of a story. */
export interface StoryLife {
  readonly header: RecordingHeader;
  readonly entries: RecordingEntry[];
  /** Where the lanes are, by what was told last. */
  readonly lanes: Map<string, string>;
  /** The calls that gave receipts, by session and id. */
  readonly receipts: Map<string, number>;
  calls: number;
}

/** 2026-01-01, midnight. */
export const startedAt = Date.UTC(2026, 0, 1);

/** A keeper of a story begins. */
export function beginLife(premises: Premises, number: number): StoryLife {
  const {
    lane = {},
    capacity = { turns: 4 },
    heartbeats = [],
    isCutOff = false,
    hidesContents = false,
  } = premises;
  const options = {
    capacity,
    lane,
    heartbeats: heartbeats.map((one) => ({
      sessionKey: `agent:${one.agent}:main`,
      minSpacingMs: 30_000,
      preemptible: true,
      everyMs: 600_000,
      ...one,
    })),
    exec: { timeoutMs: 1_800_000, tailChars: 400 },
  };
  const made = {
    instance: `k${number}`,
    laneSettings: lane,
    hasLaneFor: false,
    hasLeases: false,
    watches: true,
    hidesContents,
  };
  const header = {
    format: "lanekeeper-recording",
    version: 1,
    lanekeeper: "0.0.0",
    startedAt,
    startedMono: 0,
    options,
    made,
  } as const;
  return { header, entries: [], lanes: new Map(), receipts: new Map(), calls: isCutOff ? 100 : 0 };
}

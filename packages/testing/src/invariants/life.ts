import type { HeartbeatOptions, LanekeeperEvent, LaneOptions, LaneSettings } from "lanekeeper";
import type { Recording } from "lanekeeper/recording";
import { KeeperTime, type Tolerance } from "./keeper-time.ts";
import { countBefore, type Step, type StepOf, type Told } from "./step.ts";

/** The options of a keeper that are data, completed, as its recording's header has them. */
export interface KeeperOptions {
  readonly capacity: RecordedCapacity;
  readonly lane: LaneOptions;
  readonly heartbeats: readonly (HeartbeatOptions & {
    readonly sessionKey: string;
    readonly minSpacingMs: number;
    readonly preemptible: boolean;
  })[];
  readonly exec: { readonly timeoutMs: number; readonly tailChars: number };
}

/** A capacity as it is recorded. */
export interface RecordedCapacity {
  readonly turns: number;
  readonly groups?:
    | Readonly<Record<string, { readonly limit: number; readonly reserved?: number }>>
    | undefined;
  readonly waiting?: number | undefined;
}

/**
 * What one keeper's recording says about the keeper itself.
 *
 * I1. Nothing that is asked here is answered by the runtime: all of it was read from the entries.
 */
export interface Life {
  /** Counts the recordings, from 0. */
  readonly number: number;
  readonly options: KeeperOptions;
  /** The settings of its lanes as the host gave them, and those that `laneFor` gave for a session, each time. */
  readonly laneSettings: LaneSettings;
  readonly ownSettings: ReadonlyMap<string, readonly unknown[]>;
  readonly steps: readonly Step[];
  readonly time: KeeperTime;
  /** Whether texts that people and agents wrote are unreadable in it. */
  readonly hidesContents: boolean;
  /** Whether the recording begins with the keeper: nothing of its own was before. Its store may have had work. */
  readonly isFromBirth: boolean;
  /** The call of `close`, of the last recording the first. */
  readonly closing: StepOf<"call"> | undefined;
  /** Its answer: nothing of the keeper comes after it. */
  readonly closed: Step | undefined;
  /** The first call of `drain` or `close`. */
  readonly draining: StepOf<"call"> | undefined;
  /** The steps in which a store said that it failed, or did not answer. */
  readonly storeFailures: readonly Step[];
  /** All events, in order. */
  readonly events: readonly Told[];
  /** The event that was told next after a step. */
  nextEvent(step: Step): Told | undefined;
  /** The event that was told last before a step. */
  lastEvent(step: Step): Told | undefined;
  /** The events of one type, in order. */
  told<T extends LanekeeperEvent["type"]>(type: T): readonly Told<T>[];
}

function orderOf({ step }: Told): number {
  return step.order;
}

/** Reads one recording. `firstOrder` is how many entries the recordings before it have. */
export function readLife(
  recording: Recording,
  number: number,
  firstOrder: number,
  tolerance: Tolerance,
): Life {
  const steps: Step[] = [];
  const events: Told[] = [];
  const byType = new Map<string, Told[]>();
  let firstCall: number | undefined;
  let closing: StepOf<"call"> | undefined;
  let draining: StepOf<"call"> | undefined;
  let closed: Step | undefined;
  const storeFailures: Step[] = [];
  const ownSettings = new Map<string, unknown[]>();
  const life: Life = {
    number,
    options: recording.header.options as unknown as KeeperOptions,
    laneSettings: recording.header.made.laneSettings as LaneSettings,
    ownSettings,
    hidesContents: recording.header.made.hidesContents,
    steps,
    events,
    time: new KeeperTime(tolerance),
    get isFromBirth() {
      return firstCall === 1;
    },
    get closing() {
      return closing;
    },
    get closed() {
      return closed;
    },
    get draining() {
      return draining;
    },
    storeFailures,
    nextEvent: ({ order }) => events[countBefore(events, orderOf, order + 1)],
    lastEvent: ({ order }) => events[countBefore(events, orderOf, order) - 1],
    told: <T extends LanekeeperEvent["type"]>(type: T) =>
      (byType.get(type) ?? []) as unknown as readonly Told<T>[],
  };
  for (const [index, entry] of recording.entries.entries()) {
    const step: Step = { life, index, order: firstOrder + index, at: entry.at, entry };
    steps.push(step);
    life.time.pass(step.at);
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is not needed is not read
    switch (entry.type) {
      case "call":
        firstCall ??= entry.call;
        if (entry.method === "close") closing ??= step as StepOf<"call">;
        if (entry.method === "drain" || entry.method === "close") draining ??= step as StepOf<"call">;
        break;
      case "turn.did":
        firstCall ??= entry.call;
        break;
      case "gave": {
        if (entry.what !== "laneFor") break;
        const sessionKey = String(entry.args?.[0]);
        ownSettings.set(sessionKey, [...(ownSettings.get(sessionKey) ?? []), entry.value]);
        break;
      }
      case "answer":
      case "refusal":
        if (entry.call === closing?.entry.call) closed ??= step;
        if (entry.type === "refusal" && entry.code === "STORE_UNAVAILABLE") storeFailures.push(step);
        break;
      case "event": {
        const told: Told = { step: step as StepOf<"event">, event: entry.event };
        events.push(told);
        const list = byType.get(entry.event.type) ?? [];
        byType.set(entry.event.type, list);
        list.push(told);
        if (entry.event.type === "store.failed") storeFailures.push(step);
        if (entry.event.type === "clock.late") life.time.lose(step, entry.event.lostMs);
        else life.time.note(step, entry.event);
        break;
      }
      default:
        break;
    }
  }
  return life;
}

import type { RecordingEntry } from "lanekeeper/recording";
import { attemptInvariants } from "../attempts.ts";
import { blockedInvariants } from "../blocked.ts";
import { deadLetterInvariants } from "../dead-letters.ts";
import { fenceInvariants } from "../fences.ts";
import { stallInvariants } from "../stalls.ts";
import { startInvariants } from "../starts.ts";
import type { EntryOf, EventOf } from "../step.ts";
import { story } from "../stories/story.ts";
import { turnTokenInvariants } from "../turn-tokens.ts";
import { testNotices } from "./notices.ts";
import {
  changed,
  changedAll,
  either,
  entry,
  event,
  followedBy,
  followedByCall,
  lane,
  laneWas,
  optionsWere,
  retold,
  twice,
  without,
  withoutAll,
} from "./tampering.ts";

const patient = { stallAfterMs: 1_000_000, reclaimAfterMs: 2_000_000, turnTimeoutMs: 4_000_000 };
const impatient = { stallAfterMs: 10, reclaimAfterMs: 20, turnTimeoutMs: 30 };
const letterOf = (one: RecordingEntry) => ((one as EntryOf<"event">).event as EventOf<"deadLetter.added">).id;

const lastAttempt = (held: readonly string[]) =>
  story({ lane: { retry: { attempts: 2 } } })
    .sends("m1")
    .notifies("e1")
    .starts("t1", ["m1", "e1"])
    .fails("t1", 0)
    .starts("t2", held, { attempt: 2 });

testNotices(stallInvariants, {
  "A turn is stalled only after stallAfterMs without progress, lost time apart.": [laneWas(patient)],
  "A turn without progress for stallAfterMs is stalled, by the lane's own timer.": [
    laneWas(impatient),
    without(event("lane.stalled")),
  ],
  "A turn is stalled once for each silence, and recovers by progress.": [
    twice(event("lane.stalled")),
    twice(event("lane.recovered")),
    without(event("lane.recovered")),
    followedBy(event("lane.stalled"), "lane.recovered", (told) => ({
      turnId: (told as EventOf<"lane.stalled">).turnId,
    })),
  ],
  "A turn is given up only after reclaimAfterMs without progress, lost time apart.": [laneWas(patient)],
  "A turn without progress for reclaimAfterMs is given up.": [laneWas(impatient)],
  "A turn is timed out turnTimeoutMs after its start, and not before.": [
    laneWas(patient),
    laneWas(impatient),
  ],
  "No turn is stalled while it waits by its own word.": [
    followedBy(event("turn.waiting"), "lane.stalled", (told) => ({
      turnId: (told as EventOf<"turn.waiting">).turnId,
    })),
  ],
});

testNotices(fenceInvariants, {
  "The slot of a reclaimed turn is free when that is told.": [
    retold("lane.reclaimed", () => ({ slotFreed: false })),
    retold("lane.reclaimed", ({ isCodeRunning }) => ({ isCodeRunning: !isCodeRunning })),
  ],
  "A turn that was told to stop has its grace, and no more.": [
    without(event("turn.aborting")),
    retold("turn.aborting", () => ({ graceMs: 1_000_000 })),
    retold("turn.aborting", () => ({ graceMs: 0 })),
  ],
  "An outcome names the turn that held the work.": [
    changed(entry("outcome"), (one, _, entries) => {
      const { outcome } = one as EntryOf<"outcome">;
      const other = entries.find(({ type }) => type === "turn") as EntryOf<"turn"> | undefined;
      if (other === undefined || outcome.status !== "completed") return undefined;
      return { ...one, outcome: { ...outcome, turnId: other.turnId } } as RecordingEntry;
    }),
  ],
  "What a turn's end means follows from how it ended and what it had been told.": [
    changed(
      entry("turn.returned"),
      (one) => ({ ...one, type: "turn.threw", error: "", isPermanent: false }) as never,
    ),
    twice(event("turn.completed")),
    retold("turn.aborting", () => ({ reason: "aborted" })),
    retold("turn.handedBack", () => ({ type: "turn.cancelled" }) as never),
    retold("turn.cancelled", () => ({ type: "turn.handedBack" }) as never),
    without(event("turn.aborting", ({ reason }) => reason === "interrupted")),
  ],
  "Every turn that ended by itself is said to have completed or failed.": [
    without(event("turn.completed")),
    without(event("turn.failed")),
  ],
  "The code of a fenced turn has one late result, and that of no other turn.": [
    twice(event("turn.lateResult")),
    without(event("turn.lateResult")),
    without(event("lane.reclaimed")),
  ],
  "A turn that was told to stop starts nothing and is told no progress of.": [
    changed(
      entry("turn.did", ({ refusal, what }) => what === "assertCurrent" && refusal !== undefined),
      (one) => ({ ...one, refusal: undefined }) as RecordingEntry,
    ),
    followedBy(event("turn.aborting"), "turn.emitted", (told) => ({
      turnId: (told as EventOf<"turn.aborting">).turnId,
    })),
  ],
  "The signal says why a turn was first told to stop.": [
    changed(entry("turn.signal"), (one) => ({ ...one, code: "ABORTED" }) as RecordingEntry),
  ],
});

testNotices(
  attemptInvariants,
  {
    "No work is tried again beyond its bounds: failures, reclaims and crashes each have one.": [
      laneWas({ retry: { attempts: 1 } }),
      laneWas({ maxReclaims: 0 }),
      laneWas({ maxCrashes: 0 }),
    ],
    "A message fails for good only after retry.attempts failures, or for good.": [
      laneWas({ retry: { attempts: 100 } }),
      laneWas({ maxReclaims: 100 }),
    ],
    "What failed for good is not tried again.": [
      changed(entry("turn.threw"), (one) => ({ ...one, isPermanent: true }) as RecordingEntry),
    ],
    "Backoff is no longer than its ceiling, and is waited for.": [
      laneWas({ retry: { attempts: 3, baseMs: 0, maxMs: 0 } }),
      retold("turn.retrying", ({ retryAt }) => ({ retryAt: retryAt + 60_000 })),
    ],
    "attempt is one more than the turns that held the work and count.": [
      changedAll(either(entry("turn"), event("turn.started")), (one) =>
        one.type === "event"
          ? ({ ...one, event: { ...one.event, attempt: 7 } } as RecordingEntry)
          : ({ ...one, attempt: 7 } as RecordingEntry),
      ),
    ],
  },
  {
    "A message's last attempt runs without the events that failed with it before.": {
      finds: [
        lastAttempt(["m1", "e1"]).breaks(
          "Turn t2 of a is the last attempt of m1, and has event e1, which failed with it in turn t1.",
        ),
      ],
      allows: [lastAttempt(["m1"])],
    },
  },
);

testNotices(deadLetterInvariants, {
  "Work that was given up is a dead letter, and that is told before its outcome.": [
    without(event("deadLetter.added")),
  ],
  "Each dead letter is added once.": [twice(event("deadLetter.added"))],
  "A dead letter is put back or forgotten once, and then gone.": [
    twice(either(event("deadLetter.redriven"), event("deadLetter.discarded"))),
  ],
  "A dead letter that is there is not said to be missing.": [
    followedByCall(event("deadLetter.added"), "discard", (one) => [letterOf(one)], false),
  ],
});

testNotices(blockedInvariants, {
  "A lane that waits for a slot says so within 2 s, then every 30 s.": [without(event("lane.blocked"))],
  "Only a lane that waits is said to be blocked.": [
    followedBy(lane("busy.running"), "lane.blocked", () => ({ reason: "capacity", running: 4, capacity: 4 })),
  ],
  "A lane is blocked by capacity only where every slot is in use, or reserved.": [
    function* (recording) {
      // What is reserved is nobody else's: of a keeper with groups nothing is said.
      const [alone] = optionsWere(({ capacity: { turns } }) => ({ capacity: { turns } }))(recording);
      yield* retold("lane.blocked", ({ reason }) => (reason === "capacity" ? { running: 0 } : undefined))(
        alone!,
      );
    },
  ],
});

testNotices(turnTokenInvariants, {
  "The fencing tokens of a session's turns grow, and each turn is told of with its own.": [
    changedAll(either(entry("turn"), event("turn.started")), (one) =>
      one.type === "event"
        ? ({ ...one, event: { ...one.event, fencingToken: 7n } } as RecordingEntry)
        : ({ ...one, fencingToken: "7" } as RecordingEntry),
    ),
    changed(entry("turn"), (one) => ({ ...one, fencingToken: "0" }) as RecordingEntry),
    retold("turn.started", () => ({ fencingToken: 0n })),
  ],
});

testNotices(startInvariants, {
  "A turn whose code is called is told as started, and of its lane a state.": [
    without(event("turn.started")),
    withoutAll(event("turn.started")),
    withoutAll(event("lane.state")),
  ],
});

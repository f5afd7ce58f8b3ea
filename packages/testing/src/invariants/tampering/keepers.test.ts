import type { RecordingEntry } from "lanekeeper/recording";
import { closingInvariants } from "../closing.ts";
import { member } from "../call-story.ts";
import { explanationInvariants } from "../explanations.ts";
import { lockInvariants } from "../locks.ts";
import { recoveryInvariants } from "../recovery.ts";
import { startedAt } from "../stories/story-life.ts";
import { story } from "../stories/story.ts";
import type { EntryOf, EventOf } from "../step.ts";
import { tellingInvariants } from "../telling.ts";
import { testNotices } from "./notices.ts";
import {
  call,
  changed,
  either,
  endOf,
  entry,
  event,
  followed,
  followedBy,
  followedByCall,
  lane,
  retold,
  twice,
  without,
} from "./tampering.ts";

type Entries = readonly RecordingEntry[];

const told = <T extends Parameters<typeof event>[0]>(one: RecordingEntry) =>
  (one as EntryOf<"event">).event as EventOf<T>;
const withAnswer = (members: (value: object) => object) => (one: RecordingEntry) =>
  ({
    ...one,
    value: {
      ...((one as EntryOf<"answer">).value as object),
      ...members((one as EntryOf<"answer">).value as object),
    },
  }) as RecordingEntry;
const sessionOf = (one: RecordingEntry) =>
  (one as { readonly sessionKey?: string }).sessionKey ?? told<"lane.state">(one).sessionKey;
/** The call that acquired a lock. */
const acquisition = (one: RecordingEntry, entries: Entries) => {
  const { name, fencingToken } = told<"lock.acquired">(one);
  const answer = entries.find(
    (other) =>
      other.type === "answer" &&
      member(other.value, "fencingToken") === fencingToken &&
      member(other.value, "name") === name,
  );
  return (answer as EntryOf<"answer"> | undefined)?.call;
};
const waits = (args: readonly unknown[], waitMs: number) => [args[0], { ...(args[1] as object), waitMs }];

const bothWait = () => story().calls("locks.acquire", ["index"]).calls("locks.acquire", ["index"]);
/** A keeper closes on two messages, and another opens its store. */
const suspended = () => story().sends("m1").sends("m2").closes("m1", "m2").restarts();

testNotices(
  lockInvariants,
  {
    "A lock has one holder at a time.": [without(event("lock.released"))],
    "The tokens of a name grow, and each acquisition has an owner of its own.": [
      retold("lock.acquired", () => ({ fencingToken: 0n })),
      twice(event("lock.acquired")),
    ],
    "Waiting for a lock ends after waitMs, and not before.": [
      changed(
        call("locks.acquire"),
        (one) => ({ ...one, args: waits((one as EntryOf<"call">).args, 3_600_000) }) as RecordingEntry,
      ),
      without(endOf(call("locks.acquire"))),
    ],
    "A lock that was lost or released is not held.": [
      followedByCall(
        event("lock.released"),
        "lock.assertHeld",
        () => [],
        undefined,
        (one, entries) => {
          const { name, owner } = told<"lock.released">(one);
          const acquired = entries.find((other) =>
            event("lock.acquired", (is) => is.name === name && is.owner === owner)(other, 0, entries),
          );
          return acquired && acquisition(acquired, entries);
        },
      ),
    ],
    "using rejects with LOCK_LOST where its lock was lost while its work ran.": [
      changed(endOf(call("locks.using"), "refusal"), ({ at, ...one }) => ({
        at,
        type: "answer",
        call: (one as EntryOf<"refusal">).call,
        value: 0,
      })),
    ],
    "A turn that was told to stop acquires no lock.": [
      followed(event("turn.aborting"), (one) => [
        {
          at: one.at,
          type: "turn.did",
          call: 1_000_000,
          turnId: told<"turn.aborting">(one).turnId,
          what: "locks.acquire",
          args: ["index"],
          got: undefined,
        },
        { at: one.at, type: "answer", call: 1_000_000, value: { name: "index", fencingToken: 1n } },
      ]),
    ],
    "The locks of a turn end with it.": [
      without(event("lock.released", ({ turnId }) => turnId !== undefined)),
    ],
  },
  {
    "Who asked first for a lock gets it first, and nobody is overtaken by one who asks once.": {
      finds: [
        bothWait()
          .answers({ name: "index", fencingToken: 1n }, 2)
          .breaks("Lock index was acquired by a call at 0 ms before one that had asked at 0 ms.")
          .answers({ name: "index", fencingToken: 2n }, 1),
      ],
      allows: [
        bothWait()
          .answers({ name: "index", fencingToken: 1n }, 1)
          .answers({ name: "index", fencingToken: 2n }, 2),
      ],
    },
  },
);

testNotices(
  recoveryInvariants,
  {},
  {
    "A message that was accepted and not ended is run by a later keeper, or said to have ended.": {
      finds: [
        suspended()
          .starts("t1", ["m2"])
          .breaks(
            "Turn t1 of a started with m2, and nothing was heard of m1, which an earlier keeper had accepted.",
          )
          .completes("t1")
          .closes(),
      ],
      allows: [
        suspended().starts("t1", ["m1"]).completes("t1").starts("t2", ["m2"]).completes("t2").closes(),
      ],
    },
    "What was suspended is known to the keeper after it.": {
      finds: [
        suspended()
          .calls("attach", ["a", "m1"])
          .answers()
          .breaks("m1 of a was suspended by close, and the next keeper did not know it.")
          .starts("t1", ["m1"]),
      ],
      allows: [
        suspended()
          .calls("attach", ["a", "m1"])
          .answers({ id: "m1", sessionKey: "a", acceptedAt: startedAt })
          .starts("t1", ["m1"]),
      ],
    },
  },
);

testNotices(closingInvariants, {
  "A keeper that drains takes no new work from outside.": [
    followedByCall(either(call("drain"), call("close")), "send", () => ["a", "late"]),
  ],
  "A keeper that closes answers nothing but questions about itself.": [
    followedByCall(call("close"), "mailbox", () => ["a"]),
  ],
  "A keeper that drains starts nothing but what a running turn awaits.": [
    followedBy(lane("busy.waitingForCapacity"), "health.changed", () => ({
      health: "draining",
      reason: "draining",
    })),
  ],
  "A drain says that it is done only when no turn runs.": [
    followedByCall(entry("turn"), "drain", () => [], { drained: true }),
  ],
  "Close tells the turns that run to stop, and waits until they have ended or are fenced.": [
    without(either(entry("turn.returned"), entry("turn.threw"))),
  ],
  "Nothing starts in a paused session, or in a paused keeper.": [
    followedByCall(lane("busy.waitingForCapacity"), "pause", (one) => [sessionOf(one)]),
    followedByCall(lane("busy.waitingForCapacity"), "pause", () => []),
  ],
});

testNotices(explanationInvariants, {
  "explain says why a session does not run: by the state that its lane is in, and by precedence.": [
    changed(
      endOf(call("explain")),
      withAnswer(() => ({ blockedBy: "debounce", runnable: false })),
    ),
    changed(
      endOf(call("explain")),
      withAnswer(() => ({ blockedBy: null, runnable: true })),
    ),
  ],
  "A session is runnable only where nothing blocks it.": [
    changed(
      endOf(call("explain")),
      withAnswer((value) => ({ runnable: member(value, "runnable") !== true })),
    ),
  ],
});

testNotices(tellingInvariants, {
  "No lane crashes.": [
    followedBy(lane("idle"), "lane.crashed", () => ({ error: new Error("broken"), rebuildInMs: 0 })),
  ],
  "What was accepted is told as accepted, or as known already.": [without(event("message.accepted"))],
  "What was refused is told, with the code that its sender got.": [without(event("message.refused"))],
  "Work that is cancelled or dropped has an event that says so, and why.": [
    without(event("message.cancelled")),
    without(event("message.dropped")),
    retold("message.cancelled", () => ({ type: "message.dropped" }) as never),
  ],
  "A lock that was not got in time is told as refused.": [without(event("lock.refused"))],
  "A report that is not routed is told as refused, with its reason.": [without(event("exec.refused"))],
  "A heartbeat that is skipped is told, with its reason.": [without(event("heartbeat.skipped"))],
});

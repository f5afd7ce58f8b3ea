import type { RecordingEntry } from "lanekeeper/recording";
import { answerInvariants } from "../answers.ts";
import { completionInvariants } from "../completions.ts";
import { heartbeatInvariants } from "../heartbeats.ts";
import { originInvariants } from "../origins.ts";
import { type Story, story } from "../stories/story.ts";
import type { EntryOf, EventOf } from "../step.ts";
import { wakeInvariants } from "../wakes.ts";
import { testNotices } from "./notices.ts";
import {
  call,
  changed,
  changedAll,
  did,
  either,
  endOf,
  entry,
  event,
  followedBy,
  followedByCall,
  lane,
  optionsWere,
  retold,
  type Tampering,
  twice,
  without,
  withoutAll,
} from "./tampering.ts";

type Turn = EntryOf<"turn">;
type ExecEvent = EventOf<"exec.routed">;

const told = (one: RecordingEntry) => (one as EntryOf<"event">).event as ExecEvent;
/** Heartbeats are said to have had other options. */
const heartbeatWas = (options: object): Tampering =>
  optionsWere(({ heartbeats }) => ({ heartbeats: heartbeats.map((one) => ({ ...one, ...options })) }));
/** The completions that a turn was shown are others. */
const withCompletions = (change: (body: object) => object | undefined): Tampering =>
  changed(entry("turn"), (one) => {
    const turn = one as Turn;
    const events = turn.events.map((shown) =>
      shown.kind === "exec.completed"
        ? { ...shown, body: change(shown.body as object) ?? shown.body }
        : shown,
    );
    return { ...one, events } as RecordingEntry;
  });
const withArguments = (change: (args: readonly unknown[]) => readonly unknown[]) => (one: RecordingEntry) =>
  ({ ...one, args: change((one as EntryOf<"call">).args) }) as RecordingEntry;
const withCause = (cause: string): Tampering =>
  changedAll(either(entry("turn"), event("turn.started")), (one) =>
    one.type === "event"
      ? ({ ...one, event: { ...one.event, cause } } as RecordingEntry)
      : ({ ...one, cause } as RecordingEntry),
  );

const shown = (body: object, hidesContents = false) =>
  story({ hidesContents })
    .routes("x1")
    .starts("t1", ["x1"], { bodies: { x1: body } });
/** A keeper dies while a command runs, and the next says what became of it. */
const outlivedBy = (status: string) =>
  story()
    .tells("exec.started", { execId: "x1" })
    .restarts()
    .routes("x1")
    .starts("t1", ["x1"], { bodies: { x1: { execId: "x1", sessionKey: "a", status } } });
/** A keeper that is awake until then: something is recorded each second. */
const awake = (begun: Story, ms: number) => {
  for (let at = 1_000; at <= ms; at += 1_000) begun.at(at).calls("stats").answers();
  return begun;
};
const announced = () =>
  story()
    .calls("expectExec", ["a", "x1", { timeoutMs: 1_000 }])
    .answers();
/** Six heartbeats, so many milliseconds apart. */
const beating = (everyMs: number) => {
  const beats = story({ heartbeats: [{ agent: "x", everyMs, minSpacingMs: 0 }] }).in("agent:x:main");
  for (let count = 1; count <= 6; count++) {
    if (count > 1) beats.completes(`t${count - 1}`).tells("heartbeat.ran", { agent: "x" });
    beats.at((count - 1) * everyMs).starts(`t${count}`, [], { cause: "heartbeat", agent: "x" });
  }
  return beats;
};

testNotices(answerInvariants, {
  "Every call is answered, or refused, before its keeper has closed.": [
    without(endOf(call("send"))),
    without(endOf(did("waiting"))),
  ],
  "Every outcome settles before its keeper has closed.": [without(entry("outcome"))],
});

testNotices(
  completionInvariants,
  {
    "A completion is shown to turns of the session that started its command, and to no other.": [
      changed(entry("turn"), (one, index, entries) => {
        const routed = entries
          .slice(0, index)
          .findLast((other) =>
            event("exec.routed", ({ sessionKey }) => sessionKey !== (one as Turn).sessionKey)(
              other,
              0,
              entries,
            ),
          );
        if (routed === undefined) return undefined;
        const id = told(routed).execId;
        return {
          ...one,
          events: [...(one as Turn).events, { id, kind: "exec.completed", body: {} }],
        } as RecordingEntry;
      }),
    ],
    "A completion is routed to the session that started its command.": [
      retold("exec.routed", () => ({ sessionKey: "another" })),
    ],
    "A report that names another session is refused.": [
      changed(
        call("reportExec"),
        withArguments(([report]) => [{ ...(report as object), sessionKey: "another" }]),
      ),
    ],
    "A completion is accepted once.": [twice(event("exec.routed"))],
    "A command that has ended is routed, or refused with a reason.": [without(event("exec.routed"))],
    "What commands of an earlier incarnation came to is shown to no turn after a reset.": [
      followedByCall(event("exec.started"), "reset", (one) => [told(one).sessionKey]),
    ],
    "A reset ends the turn that runs, and resolves when that has ended or is fenced.": [
      followedByCall(entry("turn"), "reset", (one) => [(one as Turn).sessionKey]),
    ],
    "An announced command is lost when its time is over, and not before.": [
      changed(
        call("expectExec"),
        withArguments(([sessionKey, execId]) => [sessionKey, execId, { timeoutMs: 3_600_000 }]),
      ),
    ],
    "A completion is told of its own command and session.": [
      withCompletions((body) => ({ ...body, execId: "another" })),
      withCompletions((body) => ({ ...body, sessionKey: "another" })),
    ],
    "A foreground command's completion is an event only if its turn ended first.": [
      followedBy(event("exec.completed"), "exec.routed", (one) => ({
        execId: (one as unknown as ExecEvent).execId,
      })),
    ],
  },
  {
    "A completion is told of its own command and session.": {
      finds: [
        shown({ execId: "x2", sessionKey: "a" }).breaks(
          "The completion x1, shown to turn t1 of a, is said to be of x2.",
        ),
      ],
      allows: [
        shown({ execId: "x1", sessionKey: "a" }),
        // Its contents were made unreadable.
        shown({ execId: "~2", sessionKey: "~" }, true),
      ],
    },
    "A command that ran when its keeper died is said to be lost.": {
      finds: [
        outlivedBy("completed").breaks(
          "The command x1 of a ran when its keeper died, and is said to have completed.",
        ),
      ],
      allows: [outlivedBy("lost")],
    },
    "An announced command is lost when its time is over, and not before.": {
      finds: [
        awake(announced(), 40_000).breaks(
          "The command x1 of a was announced at 0 ms for 1000 ms, and is not lost.",
        ),
      ],
      allows: [
        announced()
          .at(1_000)
          .tells("exec.lost", { execId: "x1" })
          .routes("x1")
          .at(40_000)
          .calls("stats")
          .answers(),
        // The store may still be recording it.
        announced().at(20_000).calls("stats").answers(),
      ],
    },
  },
);

testNotices(wakeInvariants, {
  "A wake's turn has been asked for since the session's last turn started.": [
    withoutAll(either(call("wake"), event("wake.retrying"))),
  ],
  "A wake's turn starts no sooner than the soonest that was asked for.": [
    changedAll(
      call("wake"),
      withArguments(([sessionKey, options]) => [
        sessionKey,
        { ...(options as object), coalesceMs: 3_600_000 },
      ]),
    ),
  ],
  "A turn has the reasons of the wakes that it satisfies, and no others.": [
    changedAll(either(entry("turn"), event("turn.started")), (one) =>
      one.type === "event"
        ? ({ ...one, event: { ...one.event, reasons: ["another"] } } as RecordingEntry)
        : ({ ...one, reasons: ["another"] } as RecordingEntry),
    ),
  ],
  "A wake is satisfied: a turn starts, or what keeps it from starting is told.": [
    followedByCall(lane("idle"), "wake", (one) => [told(one).sessionKey, {}]),
  ],
  "A wake is deferred for the reason that there is.": [
    retold("wake.deferred", ({ reason }) =>
      reason === "session-busy" ? { reason: "paused" } : { reason: "capacity-full" },
    ),
  ],
});

testNotices(originInvariants, {
  "Completions of heartbeat origin start turns of their session no more often than minSpacingMs.": [
    heartbeatWas({ minSpacingMs: 3_600_000 }),
  ],
});

testNotices(
  heartbeatInvariants,
  {
    "A heartbeat that waits says so once.": [twice(event("heartbeat.deferred"))],
    "A heartbeat is deferred for the reason that there is.": [
      followedBy(event("heartbeat.ran"), "heartbeat.deferred", (ran) => ({
        ...(ran as object),
        type: "heartbeat.deferred",
        reason: "capacity-full",
      })),
      retold("heartbeat.deferred", () => ({ reason: "capacity-full" })),
    ],
    "A heartbeat's turn is of an agent that has heartbeats, in its session.": [withCause("heartbeat")],
    "The times of a schedule come: something is told of a heartbeat that is on within everyMs.": [
      heartbeatWas({ everyMs: 1_000 }),
    ],
    "A heartbeat starts in its active hours, and is skipped for quiet hours outside of them.": [
      heartbeatWas({ activeHours: { start: "00:00", end: "00:01", timezone: "UTC" } }),
      heartbeatWas({ activeHours: undefined }),
    ],
    "Starts are minSpacingMs apart, and five in a minute at most, but what is asked for by hand.": [
      heartbeatWas({ minSpacingMs: 3_600_000 }),
    ],
    "A failed heartbeat is tried again three times at most, and not within minSpacingMs.": [
      changedAll(either(entry("turn"), event("turn.started")), (one) =>
        one.type === "event"
          ? ({ ...one, event: { ...one.event, attempt: 5 } } as RecordingEntry)
          : ({ ...one, attempt: 5 } as RecordingEntry),
      ),
      retold("heartbeat.failed", ({ at, retryAt }) => (retryAt === undefined ? undefined : { retryAt: at })),
    ],
  },
  {
    "Starts are minSpacingMs apart, and five in a minute at most, but what is asked for by hand.": {
      finds: [
        beating(10_000).breaks(
          "Turn t6, a heartbeat of x, is the sixth in a minute: it started at 50000 ms.",
        ),
      ],
      allows: [beating(12_000)],
    },
  },
);

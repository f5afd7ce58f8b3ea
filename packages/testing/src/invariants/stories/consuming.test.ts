import { testClaims } from "./claims.ts";
import { consumingInvariants } from "../consuming.ts";
import { startedAt } from "./story-life.ts";
import { story } from "./story.ts";

const completed = (turnId: string) => ({ status: "completed", turnId, reply: "done", attempts: 1 }) as const;

testClaims(consumingInvariants, {
  "An outcome settles after its turn's end, once the lane has gone on.": {
    finds: [
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .settles("m1", completed("t1"))
        .breaks("The outcome of m1 of a settled while turn t1 was live."),
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .returns("t1")
        .settles("m1", completed("t1"))
        .breaks("The outcome of m1 of a settled while its lane was still settling turn t1."),
    ],
    allows: [
      story().sends("m1").starts("t1", ["m1"]).completes("t1"),
      // A receipt that is given late says nothing of when its work ended.
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .returns("t1")
        .calls("attach", ["a", "m1"])
        .answers({ id: "m1", sessionKey: "a", acceptedAt: startedAt })
        .lane("idle")
        .completes("t1"),
    ],
  },
  "A turn takes every event that was accepted before it started.": {
    finds: [
      story()
        .notifies("e1")
        .sends("m1")
        .at(5)
        .starts("t1", ["m1"])
        .breaks("Turn t1 of a started without event e1, which had been accepted at 0 ms.")
        .completes("t1")
        .starts("t2", ["e1"]),
    ],
    allows: [
      story().notifies("e1").sends("m1").starts("t1", ["m1", "e1"]),
      // It came when the store had been asked.
      story()
        .sends("m1")
        .lane("busy.waitingForCapacity")
        .lane("busy.opening")
        .notifies("e1")
        .starts("t1", ["m1"])
        .completes("t1")
        .starts("t2", ["e1"]),
      // It may have ended, and nobody was told.
      story().notifies("e1").sends("m1").starts("t1", ["m1"]),
      // A message's last attempt runs without the events that failed with it (B31a).
      story({ lane: { retry: { attempts: 2 } } })
        .sends("m1")
        .notifies("e1")
        .starts("t1", ["m1", "e1"])
        .fails("t1", 1_000)
        .at(1_000)
        .starts("t2", ["m1"], { attempt: 2 })
        .completes("t2")
        .starts("t3", ["e1"], { attempt: 2 }),
    ],
  },
  "An item is completed once, and shown to no turn after that.": {
    finds: [
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .starts("t2", ["m1"])
        .breaks("m1 of a was completed by turn t1, and turn t2 was shown it afterwards."),
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .tellsOf("t1", "turn.completed", { durationMs: 0, attempt: 1 })
        .breaks("m1 of a was completed by turn t1, and by turn t1 again."),
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .restarts()
        .starts("t2", ["m1"])
        .breaks("m1 of a was completed by turn t1, and turn t2 was shown it afterwards."),
    ],
    allows: [
      story({ lane: { dedupeMs: 0 } })
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .at(1_000)
        .sends("m1")
        .starts("t2", ["m1"]),
    ],
  },
  "A turn completes with what it was shown: all of it, and nothing else.": {
    finds: [
      story()
        .sends("m1")
        .sends("m2")
        .starts("t1", ["m1"])
        .completes("t1", "m2")
        .breaks("Turn t1 of a completed with m2, which it never saw."),
      story()
        .sends("m1")
        .notifies("e1")
        .starts("t1", ["m1", "e1"])
        .returns("t1")
        .lane("idle")
        .tellsOf("t1", "turn.completed", { eventIds: [], durationMs: 0, attempt: 1 })
        .breaks("Turn t1 of a saw e1, and did not complete with it."),
    ],
    allows: [
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .sends("m2", { mode: "steer", isSteering: true })
        .does("t1", "takeSteering", [], [{ id: "m2", body: "m2" }])
        .completes("t1", "m2"),
    ],
  },
  "Work is completed by its turn's completing, and by nothing else.": {
    finds: [
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .returns("t1")
        .lane("idle")
        .tellsOf("t1", "turn.completed", { durationMs: 0, attempt: 1 })
        .settles("m1", { status: "cancelled", reason: "aborted" })
        .breaks("m1 of a was completed by turn t1, and its outcome is cancelled."),
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .returns("t1")
        .lane("idle")
        .settles("m1", completed("t1"))
        .breaks("The outcome of m1 of a is completed by turn t1, which did not say so."),
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .calls("attach", ["a", "m1"])
        .answers({ id: "m1", sessionKey: "a", acceptedAt: startedAt })
        .settles("m1", { status: "cancelled", reason: "cleared" })
        .breaks("m1 of a is completed to one, and cancelled to another."),
    ],
    allows: [
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .calls("attach", ["a", "m1"])
        .answers({ id: "m1", sessionKey: "a", acceptedAt: startedAt })
        .settles("m1", completed("t1")),
      // It was completed by a turn of a keeper that is not in the recording.
      story({ isCutOff: true })
        .calls("attach", ["a", "m1"])
        .answers({ id: "m1", sessionKey: "a", acceptedAt: startedAt })
        .tells("message.accepted", { id: "m2", mode: "followup", isSteering: false }),
    ],
  },
});

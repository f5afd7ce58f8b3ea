import { stateInvariants } from "../states.ts";
import { story } from "./story.ts";
import { testClaims } from "./claims.ts";

testClaims(stateInvariants, {
  "Each state of a lane begins where the one told before it ended.": {
    finds: [
      story()
        .lane("busy.waitingForCapacity")
        .tells("lane.state", {
          state: "busy",
          detail: "busy.opening",
          previous: { state: "idle", detail: "idle" },
        })
        .breaks("a went on from idle, and was busy.waitingForCapacity."),
    ],
    allows: [
      story().lane("busy.waitingForCapacity").lane("busy.opening"),
      // Of a keeper that is followed by another nothing more is told.
      story().lane("busy.waitingForCapacity").restarts().lane("busy.waitingForCapacity"),
    ],
  },
  "A lane goes only where its chart lets it.": {
    finds: [
      story()
        .lane("busy.waitingForCapacity")
        .lane("busy.running")
        .breaks("a went from busy.waitingForCapacity to busy.running."),
      story()
        .starts("t1")
        .lane("reclaimed.settling")
        .lane("busy.aborting")
        .breaks("a went from reclaimed.settling to busy.aborting."),
    ],
    allows: [story().starts("t1").returns("t1").lane("idle")],
  },
  "A turn's code is called while its lane says that a turn runs.": {
    finds: [
      story()
        .sends("m1")
        .lane("busy.waitingForCapacity")
        .lane("busy.opening")
        .tellsStart("t1", ["m1"])
        .enters("t1")
        .breaks("Turn t1 of a was called while its lane was busy.opening."),
    ],
    allows: [story().sends("m1").starts("t1", ["m1"])],
  },
  "A lane is busy or stalled with its turn until that has ended or was fenced.": {
    finds: [
      story().starts("t1").lane("busy.settling").breaks("a became busy.settling while its turn t1 was live."),
    ],
    allows: [story().starts("t1").stops("t1", "aborted", 0).fences("t1", "aborted")],
  },
});

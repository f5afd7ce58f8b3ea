import { testClaims } from "./claims.ts";
import { fairnessInvariants } from "../fairness.ts";
import type { RecordedCapacity } from "../life.ts";
import { story } from "./story.ts";

const oneSlot = { capacity: { turns: 1 } };

/** Session `a` has the only slot; `b` and then `c` wait with a message each, which have these priorities. */
const waiting = (b: "foreground" | "background", c: "foreground" | "background") =>
  story(oneSlot)
    .sends("m1")
    .starts("t1", ["m1"])
    .in("b")
    .sends("m2", { priority: b })
    .lane("busy.waitingForCapacity")
    .at(10)
    .in("c")
    .sends("m3", { priority: c })
    .lane("busy.waitingForCapacity")
    .at(1_000)
    .in("a")
    .completes("t1");

/** Session `a` has a slot, and `b` waits for one. */
const full = (capacity: RecordedCapacity) =>
  story({ capacity })
    .sends("m1")
    .starts("t1", ["m1"])
    .at(10)
    .in("b")
    .sends("m2")
    .lane("busy.waitingForCapacity")
    .at(500)
    .calls("stats")
    .answers();
/** The turn of `a` ends, and nobody is given its slot in an hour. */
const leaked = (capacity: RecordedCapacity) =>
  full(capacity).at(900).in("a").completes("t1").at(2_000).calls("stats").at(3_600_000).calls("stats");

testClaims(fairnessInvariants, {
  "The highest priority goes first, raised by the time waited.": {
    finds: [
      waiting("background", "foreground")
        .in("b")
        .lane("busy.opening")
        .breaks(
          "b was given a slot before c, which has waited since 10 ms: the priority of the one was background, that of the other foreground.",
        )
        .starts("t2", ["m2"])
        .completes("t2")
        .in("c")
        .starts("t3", ["m3"]),
    ],
    allows: [
      waiting("background", "foreground")
        .in("c")
        .starts("t2", ["m3"])
        .completes("t2")
        .in("b")
        .starts("t3", ["m2"]),
    ],
  },
  "Within a priority and an agent the lane that waited longest goes first.": {
    finds: [
      waiting("foreground", "foreground")
        .in("c")
        .lane("busy.opening")
        .breaks("c was given a slot before b, which has waited since 0 ms: both are of agent main.")
        .starts("t2", ["m3"])
        .completes("t2")
        .in("b")
        .starts("t3", ["m2"]),
    ],
    allows: [
      waiting("foreground", "foreground")
        .in("b")
        .starts("t2", ["m2"])
        .completes("t2")
        .in("c")
        .starts("t3", ["m3"]),
      // What waits in it when its slot is given counts: nobody knows what that was.
      waiting("foreground", "foreground").in("c").starts("t2", ["m3"]).completes("t2"),
    ],
  },
  "Within a priority the agent goes first that was given a slot longest ago.": {
    finds: [
      waiting("foreground", "foreground")
        .in("b")
        .starts("t2", ["m2"], { agent: "x" })
        .sends("m4")
        .at(2_000)
        .returns("t2")
        .lane("busy.waitingForCapacity")
        .completes("t2")
        .lane("busy.opening")
        .breaks(
          "b was given a slot before c, which has waited since 10 ms: agent y had been given its last slot before agent x was.",
        )
        .starts("t3", ["m4"], { agent: "x" })
        .completes("t3")
        .in("c")
        .starts("t4", ["m3"], { agent: "y" }),
    ],
    allows: [
      waiting("foreground", "foreground")
        .in("b")
        .starts("t2", ["m2"], { agent: "x" })
        .sends("m4")
        .at(2_000)
        .returns("t2")
        .lane("busy.waitingForCapacity")
        .completes("t2")
        .in("c")
        .starts("t3", ["m3"], { agent: "y" })
        .completes("t3")
        .in("b")
        .starts("t4", ["m4"], { agent: "x" }),
    ],
  },
  "No lane waits while a slot is free.": {
    finds: [
      story(oneSlot)
        .sends("m1")
        .lane("busy.waitingForCapacity")
        .at(1_500)
        .calls("stats")
        .at(3_000)
        .lane("busy.opening")
        .breaks("a has waited for a slot since 0 ms, and 0 of 1 are in use."),
      // A group has its limit, and none of it runs.
      leaked({ turns: 2, groups: { batch: { limit: 1 } } }).breaks(
        "b has waited for a slot since 10 ms, and 0 of 2 are in use.",
      ),
      leaked({ turns: 3, groups: { batch: { limit: 2, reserved: 2 } } }).breaks(
        "b has waited for a slot since 10 ms, and 0 of 3 are in use.",
      ),
    ],
    allows: [
      story(oneSlot)
        .sends("m1")
        .starts("t1", ["m1"])
        .in("b")
        .sends("m2")
        .lane("busy.waitingForCapacity")
        .at(1_500)
        .sends("m3")
        .in("a")
        .completes("t1")
        .in("b")
        .starts("t2", ["m2"]),
      // All that are free are kept for a group.
      full({ turns: 3, groups: { batch: { limit: 3, reserved: 2 } } })
        .at(1_600)
        .calls("stats")
        .answers()
        .at(2_700)
        .calls("stats")
        .answers(),
      // It may be of the group.
      full({ turns: 2, groups: { batch: { limit: 1 } } })
        .at(1_600)
        .calls("stats")
        .answers()
        .at(2_700)
        .calls("stats")
        .answers(),
      // Its keeper slept, and woke.
      story(oneSlot)
        .sends("m1")
        .lane("busy.waitingForCapacity")
        .at(9_000)
        .tells("clock.late", { lostMs: 9_000 })
        .starts("t1", ["m1"]),
      // It is given just in time.
      full({ turns: 1 }).at(3_600_000).in("a").completes("t1").at(3_600_900).in("b").starts("t2", ["m2"]),
    ],
  },
});

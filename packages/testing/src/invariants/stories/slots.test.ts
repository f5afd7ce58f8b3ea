import { testClaims } from "./claims.ts";
import { slotInvariants } from "../slots.ts";
import { story } from "./story.ts";

const oneSlot = { capacity: { turns: 1 } };
const oneOfBatch = { capacity: { turns: 3, groups: { batch: { limit: 1 } } } };
const oneReserved = { capacity: { turns: 2, groups: { batch: { limit: 1, reserved: 1 } } } };

testClaims(slotInvariants, {
  "No more turns run than there are slots, but those that share one.": {
    finds: [
      story(oneSlot)
        .sends("m1")
        .starts("t1", ["m1"])
        .in("b")
        .sends("m2")
        .lane("busy.waitingForCapacity")
        .lane("busy.opening")
        .tellsStart("t2", ["m2"])
        .lane("busy.running")
        .enters("t2")
        .breaks("Turn t2 of b runs beside 1 others, and there are 1 slots."),
    ],
    allows: [
      story(oneSlot)
        .sends("m1")
        .starts("t1", ["m1"])
        .completes("t1")
        .in("b")
        .sends("m2")
        .starts("t2", ["m2"]),
      // It lends its slot to what it awaits.
      story(oneSlot)
        .sends("m1")
        .starts("t1", ["m1"])
        .in("b")
        .sends("asked", { by: "t1" })
        .calls("receipt.reply", [], { by: "t1", on: "asked" })
        .in("a")
        .tellsOf("t1", "turn.waiting", { reason: "the reply of b", untilAt: undefined })
        .in("b")
        .starts("t2", ["asked"]),
      // A slot that was given before the capacity was lowered is kept.
      story({ capacity: { turns: 2 } })
        .sends("m1")
        .starts("t1", ["m1"])
        .in("b")
        .sends("m2")
        .lane("busy.waitingForCapacity")
        .lane("busy.opening")
        .calls("setCapacity", [{ turns: 1 }])
        .answers()
        .tells("capacity.changed", { turns: 1, previous: 2 })
        .starts("t2", ["m2"]),
    ],
  },
  "No more turns of a group run than its limit.": {
    finds: [
      story(oneOfBatch)
        .sends("m1", { group: "batch" })
        .starts("t1", ["m1"])
        .in("b")
        .notifies("e1", { group: "batch" })
        .lane("busy.waitingForCapacity")
        .lane("busy.opening")
        .tellsStart("t2", ["e1"])
        .lane("busy.running")
        .enters("t2")
        .breaks("Turn t2 of b runs beside 1 others of group batch, whose limit is 1."),
    ],
    allows: [
      story(oneOfBatch)
        .sends("m1", { group: "batch" })
        .starts("t1", ["m1"])
        .in("b")
        .sends("m2")
        .notifies("e1", { group: "batch" })
        // The group of a turn is its message's.
        .starts("t2", ["m2", "e1"]),
    ],
  },
  "No slot that is reserved for a group is given to another.": {
    finds: [
      story(oneReserved)
        .sends("m1")
        .starts("t1", ["m1"])
        .in("b")
        .sends("m2")
        .lane("busy.waitingForCapacity")
        .lane("busy.opening")
        .tellsStart("t2", ["m2"])
        .lane("busy.running")
        .enters("t2")
        .breaks("Turn t2 of b was given one of 2 slots: 1 were held, and 1 are reserved for other groups."),
    ],
    allows: [
      story(oneReserved)
        .sends("m1")
        .starts("t1", ["m1"])
        .in("b")
        .sends("m2", { group: "batch" })
        .starts("t2", ["m2"]),
    ],
  },
});

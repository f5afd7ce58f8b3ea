import { testClaims } from "./claims.ts";
import { deadlockInvariants } from "../self-deadlock.ts";
import { story } from "./story.ts";

/** Turn t1 of `a` awaits `asked` of session `b`, whose turn t2 runs. */
const awaiting = () =>
  story()
    .starts("t1")
    .in("b")
    .sends("asked", { by: "t1" })
    .calls("receipt.reply", [], { by: "t1", on: "asked" })
    .starts("t2", ["asked"]);

testClaims(deadlockInvariants, {
  "A reply that would close a circle of awaiting sessions is refused.": {
    finds: [
      awaiting()
        .in("a")
        .sends("back", { by: "t2" })
        .calls("receipt.reply", [], { by: "t2", on: "back" })
        .at(1_100)
        .in("c")
        .lane("busy.paused")
        .breaks("Turn t2 of b has awaited back of a since 0 ms, and a awaits b."),
    ],
    allows: [
      awaiting()
        .in("a")
        .sends("back", { by: "t2" })
        .calls("receipt.reply", [], { by: "t2", on: "back" })
        .isRefused("SELF_DEADLOCK")
        .at(1_100)
        .in("c")
        .lane("busy.paused"),
      // A chain is no circle.
      awaiting()
        .in("c")
        .sends("on", { by: "t2" })
        .calls("receipt.reply", [], { by: "t2", on: "on" })
        .at(1_100)
        .lane("busy.paused"),
    ],
  },
  "A reply is refused with SELF_DEADLOCK only where it would close such a circle.": {
    finds: [
      awaiting()
        .in("c")
        .sends("on", { by: "t2" })
        .calls("receipt.reply", [], { by: "t2", on: "on" })
        .isRefused("SELF_DEADLOCK")
        .breaks("Turn t2 of b was refused the reply of c as a deadlock, and c did not await b."),
    ],
    allows: [
      // One's own session is the smallest circle.
      story()
        .starts("t1")
        .sends("asked", { by: "t1" })
        .calls("receipt.reply", [], { by: "t1", on: "asked" })
        .isRefused("SELF_DEADLOCK"),
    ],
  },
});

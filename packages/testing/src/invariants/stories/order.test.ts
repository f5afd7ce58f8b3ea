import { testClaims } from "./claims.ts";
import { orderInvariants } from "../order.ts";
import { story } from "./story.ts";

testClaims(orderInvariants, {
  "A turn's code is called only when no other turn of its session is live.": {
    finds: [
      story()
        .sends("m1")
        .starts("t1", ["m1"])
        .at(5)
        .tellsStart("t2", [])
        .enters("t2")
        .breaks("Turn t2 of a was called while turn t1 was live, since 0 ms."),
    ],
    allows: [
      story().sends("m1").sends("m2").starts("t1", ["m1"]).completes("t1").starts("t2", ["m2"]),
      // A fenced turn's code may run beside the next.
      story().starts("t1").stops("t1", "aborted", 0).fences("t1", "aborted").starts("t2"),
      story().starts("t1").in("b").starts("t2"),
      // Of a keeper that died nothing is live.
      story().starts("t1").restarts().starts("t2"),
    ],
  },
  "Messages start turns in the order of their acceptance, and a retry keeps its place.": {
    finds: [
      story()
        .sends("m1")
        .sends("m2")
        .starts("t1", ["m2"])
        .completes("t1")
        .starts("t2", ["m1"])
        .breaks("m1 of a was accepted before m2, and started after it."),
      story()
        .sends("m1")
        .sends("m2")
        .starts("t1", ["m1"])
        .fails("t1", 0)
        .starts("t2", ["m2"])
        .completes("t2")
        .starts("t3", ["m1"], { attempt: 2 })
        .breaks("m1 of a was accepted before m2, and started after it."),
    ],
    allows: [
      story().sends("m1").sends("m2").starts("t1", ["m1"]).completes("t1").starts("t2", ["m2"]),
      story()
        .sends("m1")
        .sends("m2", { mode: "interrupt" })
        .starts("t1", ["m2"])
        .completes("t1")
        .starts("t2", ["m1"]),
      // What a dead letter held is accepted again when it is put back.
      story()
        .sends("m1")
        .sends("m2")
        .starts("t1", ["m1"])
        .fails("t1", undefined, true)
        .starts("t2", ["m2"])
        .completes("t2")
        .calls("redrive", ["letter of t1"])
        .tells("deadLetter.redriven", { id: "letter of t1", itemId: "m1" })
        .accepts("message.accepted", "m1", { mode: "followup", isSteering: false })
        .starts("t3", ["m1"]),
    ],
  },
  "No message is passed over by those that were accepted after it.": {
    finds: [
      story()
        .sends("m1")
        .sends("m2")
        .starts("t1", ["m2"])
        .breaks("m2 of a started, and m1, which was accepted before it, never did.")
        .completes("t1")
        .closes(),
    ],
    allows: [
      story().sends("m1").sends("m2").starts("t1", ["m1"]).completes("t1").closes("m2"),
      // The recording ends too early to know.
      story().sends("m1").sends("m2").starts("t1", ["m2"]).completes("t1"),
    ],
  },
});

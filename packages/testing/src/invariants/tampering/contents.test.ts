import type { RecordingEntry } from "lanekeeper/recording";
import { member } from "../call-story.ts";
import { contentInvariants } from "../contents.ts";
import type { EntryOf } from "../step.ts";
import { story } from "../stories/story.ts";
import { testNotices } from "./notices.ts";
import { call, changed, endOf, entry } from "./tampering.ts";

const withBodies = (body: unknown) =>
  changed(entry("turn"), (one) => {
    const { messages } = one as EntryOf<"turn">;
    return messages.length === 0
      ? undefined
      : ({ ...one, messages: messages.map(({ id }) => ({ id, body })) } as RecordingEntry);
  });
const withReply = (reply: unknown) =>
  changed(entry("outcome"), (one) => {
    const { outcome } = one as EntryOf<"outcome">;
    return outcome.status === "completed" && outcome.reply !== undefined
      ? ({ ...one, outcome: { ...outcome, reply } } as RecordingEntry)
      : undefined;
  });

/** A message of any body, and the turn that is shown the text `m1` for it. */
const shown = (body: unknown, hidesContents = false) =>
  story({ hidesContents })
    .calls("send", ["a", body, { id: "m1" }])
    .accepts("message.accepted", "m1", { mode: "followup", isSteering: false })
    .starts("t1", ["m1"]);
const garbled = (body: unknown) =>
  shown(body).breaks("m1 of a was shown to turn t1 with another body than it was sent with at 0 ms.");
/** A turn that returns the text `done`, of which something is told. */
const told = (reply: unknown, hidesContents = false) =>
  story({ hidesContents })
    .sends("m1")
    .starts("t1", ["m1"])
    .at(5)
    .returns("t1")
    .lane("idle")
    .tellsOf("t1", "turn.completed", { durationMs: 5, attempt: 1 })
    .settles("m1", { status: "completed", turnId: "t1", reply, attempts: 1 });

testNotices(
  contentInvariants,
  {
    "A message is shown to its turn as it was sent.": [
      withBodies("another"),
      withBodies(undefined),
      withBodies({ text: "another" }),
      changed(entry("turn.did"), (one) => {
        const { what, got } = one as EntryOf<"turn.did">;
        if (what !== "takeSteering" || !Array.isArray(got) || got.length === 0) return undefined;
        const messages = (got as readonly unknown[]).map((message) => ({
          id: member(message, "id"),
          body: "another",
        }));
        return { ...one, got: messages } as RecordingEntry;
      }),
    ],
    "The reply that is told is the one that the turn's code returned.": [
      withReply("another"),
      withReply({ text: "another" }),
      changed(endOf(call("receipt.reply")), (one) => ({ ...one, value: "another" }) as RecordingEntry),
    ],
  },
  {
    "A message is shown to its turn as it was sent.": {
      finds: [garbled("another"), garbled(7), garbled(null), garbled({ text: "m1" }), garbled(["m1"])],
      allows: [
        // JSON has nothing that stands for it.
        shown(undefined),
        shown(Number.NaN),
        shown(new Date(0)),
        shown("another", true),
        // Both have one id, and nobody knows which came first.
        story()
          .calls("send", ["a", "m1", { id: "m1" }])
          .calls("send", ["a", "another", { id: "m1" }])
          .accepts("message.accepted", "m1", { mode: "followup", isSteering: false })
          .starts("t1", ["m1"]),
        // Its id may be one that was made for it.
        story()
          .calls("send", ["a", "m1"])
          .calls("send", ["a", "another", { id: "m1" }])
          .accepts("message.accepted", "m1", { mode: "followup", isSteering: false })
          .starts("t1", ["m1"]),
      ],
    },
    "The reply that is told is the one that the turn's code returned.": {
      finds: [
        told("another").breaks("The outcome of m1 of a has another reply than turn t1 returned at 5 ms."),
        told(undefined).breaks("The outcome of m1 of a has another reply than turn t1 returned at 5 ms."),
      ],
      allows: [
        told("done"),
        told("another", true),
        // A store that had no room for it was asked what had become of it.
        told(undefined).tells("store.failed"),
      ],
    },
  },
);

import type { RecordingEntry } from "lanekeeper/recording";
import { batchInvariants } from "../batches.ts";
import { member } from "../call-story.ts";
import { dedupeInvariants } from "../dedupe.ts";
import { interruptInvariants } from "../interrupts.ts";
import { overflowInvariants } from "../overflow.ts";
import { rejectingInvariants } from "../rejecting.ts";
import { steeringInvariants } from "../steering.ts";
import type { EntryOf, EventOf } from "../step.ts";
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
  laneWas,
  optionsWere,
  retold,
} from "./tampering.ts";

type Turn = EntryOf<"turn">;
type Did = EntryOf<"turn.did">;

/** A turn whose messages are others. */
const withMessages = (
  change: (turn: Turn, entries: readonly RecordingEntry[]) => readonly string[] | undefined,
) =>
  changed(entry("turn"), (one, _, entries) => {
    const ids = change(one as Turn, entries);
    return ids && ({ ...one, messages: ids.map((id) => ({ id, body: id })) } as RecordingEntry);
  });
const idsOf = ({ messages }: Turn) => messages.map(({ id }) => id);
/** The modes that were told. */
const allModes = (mode: "collect" | "interrupt") =>
  changedAll(event("message.accepted"), (one) => {
    const { event: told } = one as EntryOf<"event">;
    return { ...one, event: { ...told, mode } } as RecordingEntry;
  });
const withArgument = (place: number, members: object) => (one: RecordingEntry) => {
  const args = [...(one as EntryOf<"call">).args];
  args[place] = { ...(args[place] as object), ...members };
  return { ...one, args } as RecordingEntry;
};
const withAnswer = (value: unknown) => (one: RecordingEntry) => ({ ...one, value }) as RecordingEntry;
const turnOf = (one: RecordingEntry, entries: readonly RecordingEntry[]) =>
  entries.find(
    (other): other is RecordingEntry & Turn => other.type === "turn" && other.turnId === (one as Did).turnId,
  );
const taken = (one: RecordingEntry) =>
  one.type === "turn.did" && one.what === "takeSteering" && Array.isArray(one.got)
    ? (one.got as { readonly id: string }[])
    : [];

testNotices(batchInvariants, {
  "A turn has one message; several only where all are in mode collect.": [
    withMessages((turn) => [...idsOf(turn), "another"]),
  ],
  "A batch is in the order in which its messages were accepted.": [
    withMessages((turn) => (turn.messages.length > 1 ? idsOf(turn).toReversed() : undefined)),
  ],
  "A batch has all collect messages that wait at the head, one after the other.": [allModes("collect")],
  "A batch that is tried again stays as it was.": [
    withMessages((turn) => (turn.attempt > 1 ? [...idsOf(turn), "another"] : undefined)),
  ],
  "A batch starts after its quiet, or when it has waited long enough, or is full.": [
    laneWas({ debounceMs: 60_000, debounceMaxMs: 60_000 }),
  ],
  "No lane debounces longer than debounceMaxMs.": [laneWas({ debounceMs: 0, debounceMaxMs: 0 })],
});

testNotices(steeringInvariants, {
  "A turn takes each message once, and only those that were sent to steer it.": [
    changed(did("takeSteering"), (one) =>
      taken(one).length > 0 ? ({ ...one, got: [...taken(one), ...taken(one)] } as RecordingEntry) : undefined,
    ),
    retold("message.accepted", ({ isSteering }) => (isSteering ? { isSteering: false } : undefined)),
  ],
  "A turn that only a wake or a heartbeat started is not steered.": [
    changed(did("takeSteering"), (one, _, entries) =>
      ["wake", "heartbeat"].includes(turnOf(one, entries)?.cause ?? "")
        ? ({ ...one, got: [{ id: "another" }] } as RecordingEntry)
        : undefined,
    ),
  ],
  "What a turn has taken shares its end: where that was for good, no other is shown it.": [
    followedBy(
      event("turn.completed", ({ messageIds }) => messageIds.length > 1),
      "turn.started",
      (told) => {
        const { messageIds } = told as EventOf<"turn.completed">;
        return {
          turnId: "another",
          messageIds: messageIds.slice(1),
          eventIds: [],
          cause: "message",
          attempt: 1,
          reasons: [],
        };
      },
    ),
  ],
  "A steering message sent to a running turn is for that turn to take.": [
    retold("message.accepted", ({ isSteering }) => (isSteering ? { isSteering: false } : undefined)),
  ],
  "A message is accepted to steer only where a turn runs.": [
    retold("message.accepted", () => ({ isSteering: true })),
  ],
  "Steering that nobody took runs ahead of what else waits.": [
    retold("message.accepted", () => ({ isSteering: true })),
  ],
});

testNotices(interruptInvariants, {
  "An interrupt ends the turn that runs when it is accepted.": [
    retold("message.accepted", () => ({ mode: "interrupt" })),
  ],
  "A message that is not background ends a heartbeat's turn that gives way.": [
    changedAll(either(entry("turn"), event("turn.started")), (one) =>
      one.type === "event"
        ? ({ ...one, event: { ...one.event, cause: "heartbeat" } } as RecordingEntry)
        : ({ ...one, cause: "heartbeat" } as RecordingEntry),
    ),
  ],
  "Only a heartbeat's turn that gives way is preempted.": [
    retold("turn.aborting", () => ({ reason: "preempted" })),
  ],
  "The messages of an interrupted turn are cancelled, and no other cause ends them.": [
    retold("turn.aborting", () => ({ reason: "interrupted" })),
  ],
  "An interrupt runs ahead of what waits.": [retold("message.accepted", () => ({ mode: "interrupt" }))],
  "The newest interrupt wins: an earlier one that waits is cancelled by it.": [allModes("interrupt")],
});

testNotices(rejectingInvariants, {
  "A message in mode reject is refused while its session's turn runs.": [
    changed(call("send"), withArgument(2, { mode: "reject" })),
  ],
  "A message is refused as LANE_BUSY only in mode reject, by a lane that is not idle.": [
    changed(
      call("send", ([, , options]) => member(options, "mode") === "reject"),
      withArgument(2, { mode: "followup" }),
    ),
  ],
});

testNotices(overflowInvariants, {
  "No message is accepted beyond cap without one that is dropped for it.": [laneWas({ cap: 1 })],
  "No message is accepted beyond capacity.waiting.": [
    optionsWere(({ capacity }) => ({ capacity: { ...capacity, waiting: 1 } })),
  ],
  "What started once is never dropped, nor is an interrupt, nor what steers.": [
    followedBy(event("turn.started"), "message.dropped", (told) => {
      const [id] = (told as { readonly messageIds?: readonly string[] }).messageIds!;
      return id === undefined ? undefined : { id, reason: "expired" };
    }),
    followedBy(
      event("message.accepted", ({ mode }) => mode === "interrupt"),
      "message.dropped",
      (told) => ({ id: (told as { readonly id: string }).id, reason: "overflow" }),
    ),
  ],
  "A completion is never dropped, nor is any message where a lane rejects.": [
    followedBy(
      event("event.accepted", ({ kind }) => kind === "exec.completed"),
      "event.dropped",
      (told) => ({ id: (told as { readonly id: string }).id, reason: "overflow" }),
    ),
  ],
  "The oldest goes first, or with drop-newest the one that comes.": [
    followedBy(event("message.accepted"), "message.dropped", (told) => ({
      id: (told as { readonly id: string }).id,
      reason: "overflow",
    })),
  ],
  "An event replaces a waiting one with its key, never one that a turn holds.": [
    followedBy(entry("turn"), "event.replaced", (told) => {
      const [held] = (told as unknown as Turn).events;
      return held && { id: held.id, by: "another" };
    }),
  ],
  "No turn is shown two events of one key, unless one was held when the other came.": [
    changedAll(call("notify"), withArgument(1, { key: "same" })),
  ],
  "A turn carries what overflow summarised since one that completed, in lines of 160 characters at most.": [
    changed(
      entry("turn"),
      (one) => ({ ...one, dropped: { count: 1, summary: ["x".repeat(161)] } }) as RecordingEntry,
    ),
    changed(entry("turn"), (one) => ({ ...one, dropped: { count: 7, summary: [] } }) as RecordingEntry),
  ],
});

testNotices(dedupeInvariants, {
  "An id is accepted again only dedupeMs after the outcome of its work.": [laneWas({ dedupeMs: 3_600_000 })],
  "The receipt of an id is that of its session's work of that id.": [
    changed(endOf(call("send")), withAnswer({ id: "another", sessionKey: "another" })),
  ],
  "attach gives the receipt of work that has not ended.": [
    followedByCall(event("message.accepted"), "attach", (one) => {
      const { sessionKey, id } = (one as EntryOf<"event">).event as never;
      return [sessionKey, id];
    }),
  ],
  "What was withdrawn had waited, is shown to no turn, and is cancelled.": [
    changed(endOf(call("receipt.cancel")), withAnswer(true)),
    followedByCall(
      endOf(call("send")),
      "receipt.cancel",
      () => [],
      true,
      (one) => (one as EntryOf<"answer">).call,
    ),
  ],
  "What waits is withdrawn when it is asked for.": [
    followedByCall(
      endOf(call("send")),
      "receipt.cancel",
      () => [],
      false,
      (one) => (one as EntryOf<"answer">).call,
    ),
  ],
});

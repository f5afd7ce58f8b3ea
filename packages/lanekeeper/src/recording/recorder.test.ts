import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { createFixture } from "../rules/fixture.ts";
import { recordInMemory } from "./record-in-memory.ts";
import type { RecordingEntry, SeenEntry } from "./recording.ts";

const seenTypes = new Set<RecordingEntry["type"]>([
  "call",
  "answer",
  "refusal",
  "turn",
  "turn.did",
  "turn.signal",
  "turn.returned",
  "turn.threw",
  "work",
  "work.returned",
  "outcome",
]);

/** What the host saw but events, without instants. */
function seen(entries: readonly RecordingEntry[]): readonly object[] {
  return entries.filter(({ type }) => seenTypes.has(type)).map(({ at: _, inside: __, ...entry }) => entry);
}

describe("a recording", () => {
  it("tells of a message from its call to its outcome", async () => {
    const recorder = recordInMemory();
    const { keeper, clock, turns } = await createFixture({ recorder });
    const receipt = await keeper.send("a", { text: "hello", n: 1n }, { id: "m1" });
    await clock.advance(5);
    turns[0]!.turn.progress("reading");
    turns[0]!.resolve("hi");
    await receipt.outcome;
    const { header, entries } = recorder.recording;
    expect(header).toMatchObject({ startedAt: clock.now() - 5, options: { capacity: { groups: {} } } });
    const turnId = turns[0]!.turn.id;
    expect(seen(entries)).toEqual([
      { type: "call", call: 1, method: "send", args: ["a", { text: "hello", n: 1n }, { id: "m1" }] },
      { type: "answer", call: 1, value: { id: "m1", sessionKey: "a", acceptedAt: header.startedAt } },
      {
        type: "turn",
        turnId,
        sessionKey: "a",
        agent: "main",
        cause: "message",
        attempt: 1,
        fencingToken: turns[0]!.turn.fencingToken.toString(),
        reasons: [],
        messages: [{ id: "m1", body: { text: "hello", n: 1n } }],
        events: [],
      },
      { type: "turn.did", call: 2, turnId, what: "progress", args: ["reading"], from: "" },
      { type: "turn.returned", turnId, reply: "hi" },
      {
        type: "outcome",
        sessionKey: "a",
        id: "m1",
        outcome: { status: "completed", turnId, reply: "hi", attempts: 1 },
        call: 1,
      },
    ]);
    expect(entries.find(({ type }) => type === "turn.returned")!.at).toBe(5);
  });

  it("has every event, in the order in which it came", async () => {
    const recorder = recordInMemory();
    const { keeper, clock, turns, events } = await createFixture({ recorder });
    await keeper.send("a", "hello");
    await clock.settle();
    turns[0]!.reject(new PermanentError("no"));
    await clock.settle();
    const recorded = recorder.recording.entries.flatMap((entry) =>
      entry.type === "event" ? entry.event : [],
    );
    expect(recorded.map(({ type }) => type)).toEqual(events.map(({ type }) => type));
    expect(recorded).toContainEqual(expect.objectContaining({ type: "turn.failed", attempt: 1 }));
    expect(seen(recorder.recording.entries)).toContainEqual(
      expect.objectContaining({ type: "turn.threw", error: "no", isPermanent: true }),
    );
  });

  it("says which turn called, and under which lock", async () => {
    const recorder = recordInMemory();
    const { clock, keeper } = await createFixture({
      recorder,
      turn: async (turn) => {
        await turn.locks.using("file", async (lock) => {
          lock.assertHeld();
          await keeper.notify("b", { kind: "note" }, { wake: false });
        });
        keeper.wake("b");
      },
    });
    keeper.wake("a");
    await clock.advance(1_000);
    const entries = recorder.recording.entries;
    const did = entries.find(
      (entry): entry is RecordingEntry & { type: "turn.did" } => entry.type === "turn.did",
    )!;
    expect(did).toMatchObject({ what: "locks.using", args: ["file", expect.any(Function)] });
    const { turnId, call } = did;
    const calls = entries.flatMap((entry) => (entry.type === "call" ? entry : []));
    expect(calls.slice(0, 4)).toMatchObject([
      { method: "wake" },
      { method: "lock.assertHeld", on: call, under: call, turnId },
      { method: "notify", under: call, turnId },
      { method: "wake", turnId },
    ]);
    expect(seen(entries)).toContainEqual({ type: "work.returned", call, value: undefined });
  });

  it("tells what was refused, what a turn that was told to stop was refused, and its abort", async () => {
    const recorder = recordInMemory();
    const { keeper, clock, turns } = await createFixture({ recorder });
    await expect(keeper.send("a\n", "x")).rejects.toMatchObject({ code: "INVALID_SESSION_KEY" });
    await keeper.send("a", "hello");
    await clock.settle();
    await keeper.abort("a", "enough");
    await clock.settle();
    expect(() => turns[0]!.turn.assertCurrent()).toThrow(/no longer counts/);
    const wanted = new Set(["refusal", "turn.signal", "turn.did"]);
    expect(
      seen(recorder.recording.entries).filter((entry) => wanted.has((entry as SeenEntry).type)),
    ).toMatchObject([
      { type: "refusal", call: 1, code: "INVALID_SESSION_KEY" },
      { type: "turn.signal", turnId: turns[0]!.turn.id, code: "TURN_ABORTED" },
      { type: "turn.did", call: 4, what: "assertCurrent", refusal: { code: "TURN_FENCED" } },
      { type: "refusal", call: 4, code: "TURN_FENCED" },
    ]);
  });

  it("keeps what values were when they passed", async () => {
    const recorder = recordInMemory();
    const { keeper } = await createFixture({ recorder });
    const body = { text: "before" };
    await keeper.send("a", body);
    body.text = "after";
    expect(seen(recorder.recording.entries)[0]).toMatchObject({ args: ["a", { text: "before" }] });
  });

  it("is of one keeper", async () => {
    const recorder = recordInMemory();
    await createFixture({ recorder });
    await expect(createFixture({ recorder })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

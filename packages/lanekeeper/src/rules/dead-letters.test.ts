import { expect, test } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { createFixture } from "./fixture.ts";

test("B31b says what was given up as it was accepted, and nothing of how the store keeps it", async () => {
  const { keeper, clock, turns, processes } = await createFixture();
  const acceptedAt = clock.now();
  await keeper.send("a", "work", { id: "m", meta: { channel: "7" } });
  await clock.settle();
  turns[0]!.reject(new PermanentError("no such key"));
  await clock.settle();
  const kept = { seq: expect.any(Number) as number, sessionKey: "a", acceptedAt, wakes: true };
  await keeper.notify("a", { kind: "note", key: "k", body: { x: 1 } }, { id: "e", priority: "background" });
  const { execId } = await keeper.exec("a", "build");
  await clock.settle();
  turns[1]!.reject(new PermanentError("no"));
  await clock.settle();
  await keeper.reset("a");
  processes.started[0]!.end(0);
  await clock.settle();
  const [stale, event, message] = (await keeper.deadLetters()).map(({ items }) => items[0]);
  expect(stale).toEqual({
    ...kept,
    id: execId,
    type: "event",
    kind: "exec.completed",
    body: expect.objectContaining({ execId, status: "completed" }) as object,
    priority: "normal",
    incarnation: 1,
    attempts: 0,
  });
  const body = { x: 1 };
  const its = { id: "e", type: "event", kind: "note", key: "k", body, priority: "background", attempts: 1 };
  expect(event).toEqual({ ...kept, ...its });
  const meta = { channel: "7" };
  expect(message).toEqual({
    ...kept,
    ...{ id: "m", type: "message", body: "work", meta, priority: "foreground", attempts: 1 },
  });
});

import { describe, expect, test } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { createFixture } from "./fixture.ts";

/** Words: a session key is trimmed text of 1 to 512 UTF-16 units; anything else is INVALID_SESSION_KEY. */

const invalid: readonly unknown[] = [
  undefined,
  null,
  5,
  5n,
  true,
  {},
  ["a"],
  Symbol("a"),
  () => "a",
  new String("a"),
  "",
  " ",
  " a",
  "a ",
  "\ta",
  "a\n",
  "\u00a0a",
  "a\ufeff",
  "a\u3000",
  "a\tb",
  "a\nb",
  "a\r\nb",
  "a\u0000b",
  "a\u001fb",
  "a\u007fb",
  "a\u0085b",
  "a\u009fb",
  "a\u2028b",
  "a\u2029b",
  "\ud800",
  "a\udc00b",
  "\udc00\ud800",
  "x".repeat(513),
  "🙂".repeat(257),
];

const calls: Readonly<Record<string, (keeper: Lanekeeper, key: string) => unknown>> = {
  send: (keeper, key) => keeper.send(key, 1),
  notify: (keeper, key) => keeper.notify(key, { kind: "note" }),
  attach: (keeper, key) => keeper.attach(key, "id"),
  wake: (keeper, key) => keeper.wake(key),
  exec: (keeper, key) => keeper.exec(key, "build"),
  expectExec: (keeper, key) => keeper.expectExec(key, "job-1"),
  reportExec: (keeper, key) => keeper.reportExec({ execId: "job-1", sessionKey: key, exitCode: 0 }),
  session: (keeper, key) => keeper.session(key),
  mailbox: (keeper, key) => keeper.mailbox(key),
  explain: (keeper, key) => keeper.explain(key),
  deadLetters: (keeper, key) => keeper.deadLetters({ sessionKey: key }),
  clear: (keeper, key) => keeper.clear(key),
  reset: (keeper, key) => keeper.reset(key),
  abort: (keeper, key) => keeper.abort(key),
  pause: (keeper, key) => keeper.pause(key),
  resume: (keeper, key) => keeper.resume(key),
};
const throwing = new Set(["wake", "session", "explain"]);
/** Calls in which a key left out means something else. */
const optionalIn = new Set(["reportExec", "deadLetters", "pause", "resume"]);

describe("a session key that is none", () => {
  test.each(Object.keys(calls))(
    "B61 %s refuses it with INVALID_SESSION_KEY, and nothing has changed",
    async (name) => {
      const { keeper, clock, events, turns, processes } = await createFixture();
      for (const key of invalid) {
        if (key === undefined && optionalIn.has(name)) continue;
        let answer: unknown;
        let hasThrown = false;
        try {
          answer = calls[name]!(keeper, key as string);
        } catch (error) {
          hasThrown = true;
          answer = error;
        }
        expect(hasThrown).toBe(throwing.has(name));
        const error = await Promise.resolve(answer).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(LanekeeperError);
        expect((error as LanekeeperError).code).toBe("INVALID_SESSION_KEY");
        expect((error as LanekeeperError).message).toContain("1 to 512");
      }
      await clock.advance(1_000);
      expect([...events, ...turns, ...processes.started]).toEqual([]);
      expect(keeper.stats()).toMatchObject({ known: 0, live: 0 });
    },
  );
});

test.each([
  "a",
  "x".repeat(512),
  "🙂".repeat(256),
  "agent:main:discord:channel:1",
  "a b",
  "é\u0301",
  "__proto__",
  "0",
])("B61 a session key may be %j", async (key) => {
  const { keeper, clock, of } = await createFixture({ turn: () => "ok" });
  for (const call of Object.values(calls)) await call(keeper, key);
  await clock.settle();
  expect(of("turn.started")[0]!.sessionKey).toBe(key);
  await expect(keeper.sessions()).resolves.toMatchObject({ sessions: [{ sessionKey: key }] });
});

test("B61 session keys are compared exactly", async () => {
  const { keeper, clock, turns } = await createFixture();
  const keys = ["a", "A", "\u00e9", "e\u0301", "a:", "a b", "a  b"];
  for (const key of keys) await keeper.send(key, 1);
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(keys);
});

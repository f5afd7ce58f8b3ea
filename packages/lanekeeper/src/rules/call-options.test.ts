import { describe, expect, test } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { createFixture } from "./fixture.ts";

/** The options and arguments of calls: checked once, at the boundary, before anything has changed. */

/** Any keeper, called as a host without types would. */
type Untyped = Record<Exclude<keyof Lanekeeper, symbol>, (...args: unknown[]) => unknown>;

const throwing = new Set(["wake", "setCapacity", "session", "explain"]);

function throwsNoId(): string {
  throw new Error("no ids today");
}

/** How a call is refused: those that return a promise reject, the others throw. */
async function refusalOf(keeper: Lanekeeper, call: string, args: readonly unknown[]): Promise<unknown> {
  const answer = attempt(() => (keeper as unknown as Untyped)[call as keyof Untyped](...args));
  expect({ call, hasThrown: "thrown" in answer }).toEqual({ call, hasThrown: throwing.has(call) });
  if ("thrown" in answer) return answer.thrown;
  return (answer.returned as Promise<unknown>).then(
    (value) => value,
    (error: unknown) => error,
  );
}
function attempt(call: () => unknown): { readonly thrown: unknown } | { readonly returned: unknown } {
  try {
    return { returned: call() };
  } catch (error) {
    return { thrown: error };
  }
}

const notDurations = [NaN, Infinity, -1, "5", null, 5n];
const notNames = ["", " a", "a ", "a\nb", "a\u0000b", "\u2028", "\ud800", "x".repeat(513), 5, null, {}];
const notObjects = [null, 5, "text", [], () => {}, true];
const report = { execId: "job-1", sessionKey: "a", exitCode: 0 };
const note = { kind: "note" };

/** A call, its arguments with `bad` in place of the tested one, what the error names, and the bad values. */
const rows: readonly (readonly [
  call: string,
  args: (bad: unknown) => readonly unknown[],
  option: string,
  bad: readonly unknown[],
])[] = [
  ["send", (bad) => ["a", 1, bad], "send", notObjects],
  ["send", (bad) => ["a", 1, { id: bad }], "send.id", notNames],
  ["send", (bad) => ["a", 1, { mode: bad }], "send.mode", ["queue", "", null, 1, ["steer"]]],
  ["send", (bad) => ["a", 1, { meta: bad }], "send.meta", [null, "x", 5, ["x"], { a: 1 }, { a: null }]],
  ["send", (bad) => ["a", 1, { priority: bad }], "send.priority", ["urgent", "", null, 1]],
  ["send", (bad) => ["a", 1, { group: bad }], "send.group", ["webhook", "", null, 1, {}]],
  ["send", (bad) => ["a", 1, { expiresInMs: bad }], "send.expiresInMs", [0, 0.5, ...notDurations]],
  [
    "send",
    (bad) => ["a", 1, { signal: bad }],
    "send.signal",
    [null, {}, "now", () => {}, new AbortController()],
  ],
  ["send", (bad) => ["a", 1, { surprise: bad }], "send.surprise", [1]],
  ["notify", (bad) => ["a", bad], "event", [undefined, ...notObjects]],
  ["notify", (bad) => ["a", { kind: bad }], "event.kind", [undefined, ...notNames]],
  ["notify", (bad) => ["a", { kind: "note", key: bad }], "event.key", notNames],
  ["notify", (bad) => ["a", { kind: "note", surprise: bad }], "event.surprise", [1]],
  ["notify", (bad) => ["a", note, bad], "notify", notObjects],
  ["notify", (bad) => ["a", note, { id: bad }], "notify.id", notNames],
  ["notify", (bad) => ["a", note, { wake: bad }], "notify.wake", ["no", 0, null]],
  ["notify", (bad) => ["a", note, { priority: bad }], "notify.priority", ["urgent", "", null, 1]],
  ["notify", (bad) => ["a", note, { group: bad }], "notify.group", ["webhook", "", null, 1, {}]],
  ["notify", (bad) => ["a", note, { mode: bad }], "notify.mode", ["steer"]],
  ["notify", (bad) => ["a", note, { expiresInMs: bad }], "notify.expiresInMs", [1_000]],
  ["notify", (bad) => ["a", note, { surprise: bad }], "notify.surprise", [1]],
  ["attach", (bad) => ["a", bad], "id", [undefined, ...notNames]],
  ["wake", (bad) => ["a", bad], "wake", notObjects],
  ["wake", (bad) => ["a", { reason: bad }], "wake.reason", [null, 5, {}]],
  ["wake", (bad) => ["a", { priority: bad }], "wake.priority", ["urgent", "", null, 1]],
  ["wake", (bad) => ["a", { coalesceMs: bad }], "wake.coalesceMs", notDurations],
  ["wake", (bad) => ["a", { surprise: bad }], "wake.surprise", [1]],
  ["exec", (bad) => ["a", bad], "command", [undefined, null, "", 5, []]],
  ["exec", (bad) => ["a", "build", bad], "args", [null, "--all", [5], [null], {}, [undefined]]],
  ["exec", (bad) => ["a", "build", [], bad], "exec", notObjects],
  ["exec", (bad) => ["a", "build", [], { timeoutMs: bad }], "exec.timeoutMs", [0, ...notDurations]],
  ["exec", (bad) => ["a", "build", [], { env: bad }], "exec.env", [null, ["A"], { A: 1 }]],
  ["exec", (bad) => ["a", "build", [], { foreground: bad }], "exec.foreground", [true, undefined]],
  ["exec", (bad) => ["a", "build", [], { shell: bad }], "exec.shell", [true]],
  ["expectExec", (bad) => ["a", bad], "execId", [undefined, ...notNames]],
  ["expectExec", (bad) => ["a", "job-1", bad], "expectExec", notObjects],
  ["expectExec", (bad) => ["a", "job-1", { timeoutMs: bad }], "expectExec.timeoutMs", notDurations],
  ["expectExec", (bad) => ["a", "job-1", { surprise: bad }], "expectExec.surprise", [1]],
  ["reportExec", (bad) => [bad], "report", [undefined, ...notObjects]],
  ["reportExec", (bad) => [{ ...report, execId: bad }], "report.execId", [undefined, ...notNames]],
  ["reportExec", (bad) => [{ ...report, exitCode: bad }], "report.exitCode", [undefined, NaN, 1.5, "0"]],
  ["reportExec", (bad) => [{ ...report, signal: bad }], "report.signal", ["", 9, {}]],
  ["reportExec", (bad) => [{ ...report, output: bad }], "report.output", [null, 5, {}]],
  ["reportExec", (bad) => [{ ...report, surprise: bad }], "report.surprise", [1]],
  ["sessions", (bad) => [bad], "query", notObjects],
  ["sessions", (bad) => [{ state: bad }], "query.state", ["running", "", null]],
  ["sessions", (bad) => [{ prefix: bad }], "query.prefix", [null, 5]],
  ["sessions", (bad) => [{ limit: bad }], "query.limit", [0, -1, 1.5, NaN, Infinity, "5", null]],
  ["sessions", (bad) => [{ after: bad }], "query.after", [null, 5]],
  ["sessions", (bad) => [{ surprise: bad }], "query.surprise", [1]],
  ["deadLetters", (bad) => [bad], "query", notObjects],
  ["deadLetters", (bad) => [{ limit: bad }], "query.limit", [0, -1, 1.5, NaN, Infinity, "5", null]],
  ["deadLetters", (bad) => [{ surprise: bad }], "query.surprise", [1]],
  ["clear", (bad) => ["a", bad], "clear", notObjects],
  ["clear", (bad) => ["a", { reason: bad }], "clear.reason", [null, 5]],
  ["clear", (bad) => ["a", { events: bad }], "clear.events", [null, 1, "yes"]],
  ["clear", (bad) => ["a", { surprise: bad }], "clear.surprise", [1]],
  ["reset", (bad) => ["a", bad], "reason", [null, 5, {}]],
  ["abort", (bad) => ["a", bad], "reason", [null, 5, {}]],
  ["setCapacity", (bad) => [bad], "capacity", [undefined, ...notObjects]],
  ["setCapacity", (bad) => [{ turns: bad }], "capacity.turns", [undefined, 0, 1.5, ...notDurations]],
  ["setCapacity", (bad) => [{ turns: 1, zombies: bad }], "capacity.zombies", [1.5, ...notDurations]],
  ["setCapacity", (bad) => [{ turns: 1, groups: bad }], "capacity.groups", notObjects],
  ["setCapacity", (bad) => [{ turns: 1, waiting: bad }], "capacity.waiting", [0, 1.5, ...notDurations]],
  ["setCapacity", (bad) => [{ turns: 1, surprise: bad }], "capacity.surprise", [1]],
  [
    "setCapacity",
    (bad) => [{ turns: 1, groups: { webhook: bad } }],
    "capacity.groups.webhook",
    [...notObjects, { limit: 0 }, { limit: 1, reserved: 1.5 }, { limit: 1, reserved: 2 }],
  ],
  [
    "setCapacity",
    (bad) => [{ turns: 1, groups: bad }],
    "capacity.turns",
    [{ a: { limit: 2, reserved: 2 } }, { a: { limit: 1, reserved: 1 }, b: { limit: 1, reserved: 1 } }],
  ],
  ["redrive", (bad) => [bad], "deadLetterId", [undefined, ...notNames]],
  ["discard", (bad) => [bad], "deadLetterId", [undefined, ...notNames]],
  ["drain", (bad) => [bad], "drain", notObjects],
  ["drain", (bad) => [{ timeoutMs: bad }], "drain.timeoutMs", notDurations],
  ["drain", (bad) => [{ surprise: bad }], "drain.surprise", [1]],
];

describe("a bad option or argument of a call is refused with INVALID_OPTION, by its name", () => {
  test.each(rows.map(([call, args, option, bad]) => ({ call, args, option, bad })))(
    "B61 $call: $option",
    async ({ call, args, option, bad }) => {
      const { keeper, clock, events, turns, processes } = await createFixture();
      for (const value of bad) {
        const error = await refusalOf(keeper, call, args(value));
        expect(error).toBeInstanceOf(LanekeeperError);
        const { code, message } = error as LanekeeperError;
        expect({ code, value }).toEqual({ code: "INVALID_OPTION", value });
        expect(message).toContain(option);
        expect(message).toMatch(/got |Known: /);
      }
      await clock.settle();
      expect(keeper.stats()).toMatchObject({ health: "ok", known: 0, live: 0, waiting: 0 });
      expect([...events, ...turns, ...processes.started]).toEqual([]);
      expect(clock.nextTimerInMs()).toBeUndefined();
      await expect(keeper.send("a", "as ever")).resolves.toMatchObject({ sessionKey: "a" });
    },
  );

  test.each([
    ["exec", (bad: unknown) => ["build", bad], "args", [null, "--all", [5]]],
    ["exec", (bad: unknown) => ["build", [], bad], "exec", notObjects],
    ["exec", (bad: unknown) => ["build", [], { foreground: bad }], "exec.foreground", ["yes", 1, null]],
    ["exec", (bad: unknown) => ["build", [], { timeoutMs: bad }], "exec.timeoutMs", [0, ...notDurations]],
    ["expectExec", (bad: unknown) => [bad], "execId", notNames],
    ["expectExec", (bad: unknown) => ["job-1", { timeoutMs: bad }], "expectExec.timeoutMs", notDurations],
  ] as const)("B61 a turn's %s rejects likewise (%#)", async (call, args, option, bad) => {
    const { keeper, clock, turns, processes } = await createFixture();
    await keeper.send("a", 1);
    await clock.settle();
    const running = turns[0]!.turn as unknown as Record<
      string,
      (...given: readonly unknown[]) => Promise<unknown>
    >;
    for (const value of bad) {
      const error = await running[call]!(...args(value)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "INVALID_OPTION" });
      expect((error as Error).message).toContain(option);
    }
    expect(processes.started).toEqual([]);
  });
});

describe("a group that is not defined (B12)", () => {
  const groups = { webhook: { limit: 1 }, batch: { limit: 1 } };

  test.each(["send", "notify"] as const)("%s names those there are", async (call) => {
    const { keeper, turns, clock } = await createFixture({ capacity: { turns: 2, groups } });
    const args = (group: string) => ["a", call === "send" ? 1 : note, { group }];
    for (const group of ["Webhook", "constructor", "__proto__"]) {
      const error = await refusalOf(keeper, call, args(group));
      expect(error).toMatchObject({
        code: "INVALID_OPTION",
        details: { option: `${call}.group`, got: group },
      });
      expect((error as Error).message).toContain("one of capacity.groups: webhook, batch");
    }
    expect(keeper.stats()).toMatchObject({ known: 0, waiting: 0 });
    await expect(refusalOf(keeper, call, args("webhook"))).resolves.toMatchObject({ sessionKey: "a" });
    await clock.settle();
    expect(turns).toHaveLength(1);
  });

  test.each(["send", "notify"] as const)("%s says so where there is none", async (call) => {
    const { keeper } = await createFixture();
    const error = await refusalOf(keeper, call, ["a", call === "send" ? 1 : note, { group: "webhook" }]);
    expect((error as Error).message).toMatch(new RegExp(`${call}.group must be left out.*got "webhook"`));
  });

  test("setCapacity replaces those there are, and keeps them where it is refused", async () => {
    const { keeper, clock } = await createFixture({ capacity: { turns: 2, groups } });
    const bad = { turns: 2, groups: { mail: { limit: 1, reserved: 2 } } };
    expect(() => keeper.setCapacity(bad)).toThrow("capacity.groups.mail.reserved");
    await expect(keeper.send("a", 1, { group: "mail" })).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(keeper.send("a", 1, { group: "batch" })).resolves.toBeDefined();
    keeper.setCapacity({ turns: 2, groups: { mail: { limit: 1 } } });
    await clock.settle();
    await expect(keeper.send("a", 1, { group: "batch" })).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(keeper.send("a", 1, { group: "mail" })).resolves.toBeDefined();
  });

  test("setCapacity counts for the call that follows it", async () => {
    const { keeper } = await createFixture({ capacity: { turns: 2, groups } });
    keeper.setCapacity({ turns: 2, groups: { mail: { limit: 1 } } });
    await expect(keeper.send("a", 1, { group: "mail" })).resolves.toBeDefined();
    await expect(keeper.send("a", 1, { group: "batch" })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

test("B61 every mode, priority and relation of a call's options is taken", async () => {
  const { keeper } = await createFixture({ capacity: { turns: 1, groups: { webhook: { limit: 1 } } } });
  for (const mode of ["followup", "collect", "steer", "interrupt", "reject"] as const)
    await expect(keeper.send(mode, 1, { mode })).resolves.toMatchObject({ sessionKey: mode });
  for (const priority of ["foreground", "normal", "background"] as const) {
    await expect(keeper.send("a", 1, { priority, group: "webhook" })).resolves.toBeDefined();
    await expect(keeper.notify("a", note, { priority, group: "webhook" })).resolves.toBeDefined();
  }
  const { signal } = new AbortController();
  await expect(keeper.send("a", 1, { expiresInMs: 1.5, signal })).resolves.toBeDefined();
});

describe("a createId that makes no id", () => {
  test.each([
    ["throws", () => throwsNoId()],
    ["gives no text", () => 5 as never],
    ["gives an empty text", () => ""],
    ["gives too long a text", () => "x".repeat(513)],
  ])("B61 %s: send rejects with INVALID_OPTION, and nothing was accepted", async (_, createId) => {
    const { keeper } = await createFixture({ createId });
    const error = await keeper.send("a", 1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "INVALID_OPTION" });
    expect((error as Error).message).toContain("createId");
    expect(keeper.stats()).toMatchObject({ known: 0, waiting: 0 });
  });
});

test("options that are no object are told as the options of their call", async () => {
  const { keeper } = await createFixture();
  await expect(refusalOf(keeper, "send", ["s", "x", "collect"])).resolves.toMatchObject({
    message: 'The options of send must be an object; got "collect".',
  });
  await expect(refusalOf(keeper, "wake", ["s", 5])).resolves.toMatchObject({
    message: "The options of wake must be an object; got 5.",
  });
});

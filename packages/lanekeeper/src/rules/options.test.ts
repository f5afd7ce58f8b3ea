import { describe, expect, test } from "vitest";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import { memoryStore } from "../store/memory-store.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { createFixture } from "./fixture.ts";

/** The options that a keeper is created with: the rules are in the header of the public contract, for B61 among others. */

const turn = (): string => "ok";

async function refusal(options: unknown): Promise<LanekeeperError> {
  const error: unknown = await createLanekeeper(options as { turn: typeof turn }).then(
    async (keeper) => {
      await keeper.close();
      return new Error("was created");
    },
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LanekeeperError);
  return error as LanekeeperError;
}

/** A member that is to be a number of this kind, and what it may not be. */
const notNumbers = [NaN, Infinity, -Infinity, -1, "5", null, true, 5n, {}, [], () => 5];
const notCounts = [...notNumbers, 0, 1.5, 2 ** 53];
const notCountsFromZero = [...notNumbers, 1.5];

const badMembers: readonly (readonly [path: string, values: readonly unknown[]])[] = [
  ["turn", [undefined, null, "function", {}, []]],
  ["store", [null, {}, "memory", { open: () => {} }, () => {}]],
  ["capacity", [null, 8, "8", [], () => {}, {}]],
  ["capacity.turns", [undefined, ...notCounts]],
  ["capacity.zombies", notCountsFromZero],
  ["capacity.waiting", notCounts],
  ["capacity.groups", [null, 5, "webhook", [], new Map(), () => {}]],
  ["capacity.groups.webhook", [undefined, null, 5, "5", [], () => {}]],
  ["capacity.groups.webhook.limit", [undefined, ...notCounts]],
  ["capacity.groups.webhook.reserved", notCountsFromZero],
  ["maxMessageBytes", notCounts],
  ["lane", [null, "followup", [], 5, () => {}]],
  ["lane.mode", ["queue", "Collect", "", null, 1, true, ["steer"]]],
  ["lane.overflow", ["drop", "summarise", "", null, 1, true]],
  ["lane.summarize", [null, "summary", 160, {}]],
  ["lane.debounceMs", notNumbers],
  ["lane.debounceMaxMs", notNumbers],
  ["lane.cap", notCounts],
  ["lane.eventCap", notCounts],
  ["lane.stallAfterMs", [...notNumbers, 0]],
  ["lane.reclaimAfterMs", [...notNumbers, 0]],
  ["lane.turnTimeoutMs", [...notNumbers, 0]],
  ["lane.abortGraceMs", notNumbers],
  ["lane.dedupeMs", notNumbers],
  ["lane.passivateAfterMs", notNumbers],
  ["lane.maxReclaims", notCountsFromZero],
  ["lane.maxCrashes", notCountsFromZero],
  ["lane.retry", [null, 3, "3", []]],
  ["lane.retry.attempts", notCounts],
  ["lane.retry.baseMs", notNumbers],
  ["lane.retry.maxMs", notNumbers],
  ["laneFor", [null, "lane", {}, { mode: "collect" }]],
  ["forgetAfterMs", notNumbers],
  ["agentOf", [null, "main", {}]],
  ["exec", [null, "always", [], 5]],
  ["exec.cwd", [null, "", 5]],
  ["exec.env", [null, "PATH", 5, ["A"], { A: 1 }, { A: null }]],
  ["exec.timeoutMs", [...notNumbers, 0]],
  ["exec.notify", ["sometimes", "", null, true]],
  ["exec.tailChars", notCountsFromZero],
  ["exec.killGraceMs", notNumbers],
  ["clock", [null, {}, Date, { now: () => 0 }]],
  ["random", [null, 0.5, {}]],
  ["createId", [null, "id", {}]],
  ["logger", [null, {}, console.log, { warn: () => {} }]],
  ["processes", [null, {}, () => {}]],
];

/** The options in which the member at a path has a value, and everything else is right. */
function withMember(path: string, value: unknown): object {
  const [head, ...rest] = path.split(".");
  const base: Record<string, unknown> = rest.length === 0 ? { turn } : {};
  if (head === "turns" || path === "capacity.zombies") base["turns"] = 1;
  if (rest.length === 0) return { ...base, [head!]: value };
  const inner = withMemberInside(head!, rest.join("."), value);
  return { turn, [head!]: inner };
}
function withMemberInside(owner: string, path: string, value: unknown): object {
  const [head, ...rest] = path.split(".");
  const isReservation = owner === "webhook" && head === "reserved";
  const base = owner === "capacity" ? { turns: 1 } : isReservation ? { limit: 1 } : {};
  return { ...base, [head!]: rest.length === 0 ? value : withMemberInside(head!, rest.join("."), value) };
}

describe("an option of the wrong kind is refused with INVALID_OPTION, by its name", () => {
  const rows = badMembers.flatMap(([path, values]) => values.map((value) => ({ path, value })));
  test.each(rows)("B61 $path: $value", async ({ path, value }) => {
    const error = await refusal(withMember(path, value));
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/must be (a|an|")/);
    expect(error.message).toContain("got ");
    expect(error.details).toMatchObject({ option: expect.stringContaining(path) as string });
  });
});

describe("an unknown key is refused, at each level, also one of a later stage", () => {
  const unknownKeys = [
    "surprise",
    "locks",
    "capacity.surprise",
    "lane.surprise",
    "lane.debounce",
    "lane.retry.surprise",
    "exec.foreground",
    "exec.shell",
  ];
  test.each(unknownKeys)("B61 %s", async (path) => {
    const error = await refusal(withMember(path, 1));
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toContain(path);
    const owner = path.split(".").slice(0, -1).at(-1);
    expect(error.message).toContain(
      owner === "capacity" ? "turns" : owner === undefined ? "lane" : "Known: ",
    );
    await expect(refusal(withMember(path, undefined))).resolves.toMatchObject({ code: "INVALID_OPTION" });
  });
});

test.each([
  ...(["followup", "collect", "steer", "interrupt", "reject"] as const).map((mode) => ({ mode })),
  ...(["reject", "drop-oldest", "drop-newest", "summarize"] as const).map((overflow) => ({ overflow })),
  { summarize: String },
])("B22 %j is a lane's setting", async (lane) => {
  const { keeper } = await createFixture({ lane });
  await expect(keeper.send("a", 1)).resolves.toBeDefined();
});

describe("what concerns a group (B12)", () => {
  test.each(["surprise", "turns"])("%s is an unknown option of it", async (member) => {
    const error = await refusal({
      turn,
      capacity: { turns: 1, groups: { webhook: { limit: 1, [member]: 1 } } },
    });
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toBe(
      `Unknown option capacity.groups.webhook.${member}. Known: limit, reserved. Remove it, or correct its name.`,
    );
  });

  test("a group without a limit is told what it takes", async () => {
    const error = await refusal({ turn, capacity: { turns: 1, groups: { webhook: {} } } });
    expect(error.message).toBe(
      "capacity.groups.webhook.limit must be a whole number, 1 or more; got undefined.",
    );
  });

  test("a group has a name", async () => {
    const error = await refusal({ turn, capacity: { turns: 1, groups: { "": { limit: 1 } } } });
    expect(error).toMatchObject({ code: "INVALID_OPTION" });
    expect(error.message).toContain("capacity.groups");
  });
});

test.each([undefined, null, [], "turn", 5, () => {}])(
  "B61 options as a whole may not be %j",
  async (options) => {
    const error = await refusal(options);
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toContain("options");
  },
);

test("B61 undefined means absent, at each level", async () => {
  const { keeper } = await createFixture({
    turn,
    store: undefined,
    capacity: {
      turns: 1,
      zombies: undefined,
      waiting: undefined,
      groups: { webhook: { limit: 1, reserved: undefined } },
    },
    lane: {
      mode: undefined,
      cap: undefined,
      overflow: undefined,
      summarize: undefined,
      debounceMs: undefined,
      debounceMaxMs: undefined,
      stallAfterMs: undefined,
      retry: { attempts: undefined },
    },
    laneFor: undefined,
    forgetAfterMs: undefined,
    agentOf: undefined,
    exec: { cwd: undefined, env: undefined, notify: undefined },
    random: undefined,
    createId: undefined,
  });
  await expect(
    keeper.send("a", 1, { id: undefined, mode: undefined, meta: undefined }),
  ).resolves.toBeDefined();
  const urgency = { priority: undefined, group: undefined };
  await expect(
    keeper.send("a", 1, { ...urgency, expiresInMs: undefined, signal: undefined }),
  ).resolves.toBeDefined();
  await expect(keeper.notify("a", { kind: "note" }, urgency)).resolves.toBeDefined();
  expect(() => keeper.setCapacity({ turns: 1, groups: undefined, waiting: undefined })).not.toThrow();
  await expect(keeper.notify("a", { kind: "note", body: undefined, key: undefined })).resolves.toBeDefined();
  await expect(
    keeper.notify("a", { kind: "note" }, { id: undefined, wake: undefined }),
  ).resolves.toBeDefined();
  expect(() => keeper.wake("a", { reason: undefined, coalesceMs: undefined })).not.toThrow();
  await expect(keeper.sessions({ state: undefined, limit: undefined })).resolves.toBeDefined();
  await expect(keeper.clear("a", { reason: undefined, events: undefined })).resolves.toBeDefined();
  await expect(keeper.deadLetters({ sessionKey: undefined })).resolves.toBeDefined();
  await expect(keeper.drain({ timeoutMs: undefined })).resolves.toBeDefined();
});

test("B61 ports may have more members than they need", async () => {
  const simulated = createSimulatedClock();
  const store = memoryStore();
  const silent = (): void => {};
  const keeper = createLanekeeper({
    turn,
    clock: { ...simulated, more: 1 } as typeof simulated,
    store: { ...store, more: 1 } as typeof store,
    logger: { debug: silent, info: silent, warn: silent, error: silent, trace: silent } as object as Console,
  });
  await expect(keeper).resolves.toBeDefined();
  await (await keeper).close();
});

test("B61 a logger, a clock or a store may be an instance of a class", async () => {
  class SilentLogger {
    debug(): void {}
    info(): void {}
    warn(): void {}
    error(): void {}
  }
  class FrozenClock {
    #now = 5;
    now(): number {
      return this.#now;
    }
    monotonic(): number {
      return this.#now;
    }
    setTimeout(): void {}
    clearTimeout(): void {}
  }
  const keeper = await createLanekeeper({ turn, logger: new SilentLogger(), clock: new FrozenClock() });
  expect(await (await keeper.send("a", "an id is made for it")).reply()).toBe("ok");
  await keeper.close();
});

describe("relations hold after merging with the defaults", () => {
  test.each([
    [{ stallAfterMs: 10, reclaimAfterMs: 10 }, "lane.stallAfterMs", "lane.reclaimAfterMs"],
    [{ stallAfterMs: 11, reclaimAfterMs: 10 }, "lane.stallAfterMs", "lane.reclaimAfterMs"],
    [{ reclaimAfterMs: 11, turnTimeoutMs: 10 }, "lane.reclaimAfterMs", "lane.turnTimeoutMs"],
    [{ stallAfterMs: 10, turnTimeoutMs: 10 }, "lane.stallAfterMs", "lane.turnTimeoutMs"],
    [{ retry: { baseMs: 11, maxMs: 10 } }, "lane.retry.baseMs", "lane.retry.maxMs"],
    [{ debounceMs: 11, debounceMaxMs: 10 }, "lane.debounceMs", "lane.debounceMaxMs"],
  ])("B61 %j is refused, naming both sides", async (lane, left, right) => {
    const error = await refusal({ turn, lane });
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toContain(left);
    expect(error.message).toContain(right);
    expect(error.message).toMatch(/1[01] and 1[01]/);
  });

  test.each([
    [{ stallAfterMs: 1_000_000 }],
    [{ stallAfterMs: 10_000_000 }],
    [{ reclaimAfterMs: 50 }],
    [{ reclaimAfterMs: 50_000_000 }],
    [{ turnTimeoutMs: 50 }],
    [{ stallAfterMs: 1, turnTimeoutMs: 2 }],
    [{ stallAfterMs: 1.5, reclaimAfterMs: 1.75, turnTimeoutMs: 1.75 }],
    [{ reclaimAfterMs: 10, turnTimeoutMs: 10 }],
    [{ retry: { baseMs: 1_000_000 } }],
    [{ retry: { maxMs: 1 } }],
    [{ retry: { baseMs: 0, maxMs: 0 } }],
    [{ debounceMs: 10_000 }],
    [{ debounceMaxMs: 50 }],
    [{ debounceMs: 0, debounceMaxMs: 0 }],
    [{ debounceMs: 10, debounceMaxMs: 10 }],
    [{ debounceMaxMs: 0 }],
  ])("B61 %j is taken: a default that breaks a relation moves", async (lane) => {
    await expect(createFixture({ lane })).resolves.toBeDefined();
  });

  test.each([
    [
      { turns: 4, groups: { webhook: { limit: 2, reserved: 3 } } },
      "capacity.groups.webhook.reserved",
      "limit",
    ],
    [{ turns: 4, groups: { webhook: { limit: 9, reserved: 5 } } }, "capacity.groups", "capacity.turns"],
    [
      { turns: 4, groups: { webhook: { limit: 3, reserved: 3 }, batch: { limit: 2, reserved: 2 } } },
      "capacity.groups",
      "capacity.turns",
    ],
  ])("B12 %j is refused: what is reserved cannot be kept", async (capacity, left, right) => {
    const error = await refusal({ turn, capacity });
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toContain(left);
    expect(error.message).toContain(right);
  });

  test.each([
    [{ turns: 4, groups: {} }],
    [{ turns: 4, groups: { webhook: { limit: 2 } } }],
    [{ turns: 4, groups: { webhook: { limit: 9, reserved: 4 } } }],
    [{ turns: 4, groups: { webhook: { limit: 3, reserved: 3 }, batch: { limit: 1, reserved: 1 } } }],
    [{ turns: 1, groups: { webhook: { limit: 1, reserved: 0 } }, waiting: 1 }],
  ])("B12 %j is taken", async (capacity) => {
    await expect(createFixture({ capacity })).resolves.toBeDefined();
  });

  test("B61 the default that moved is in force", async () => {
    const { keeper, clock, of } = await createFixture({ lane: { turnTimeoutMs: 1_000, abortGraceMs: 0 } });
    await keeper.send("a", 1);
    await clock.advance(1_000);
    expect(of("lane.stalled")).toHaveLength(1);
    expect(of("lane.reclaimed")).toHaveLength(1);
  });
});

test("B61 nothing has changed after a refusal: no timer, no store taken, no callback called", async () => {
  const clock = createSimulatedClock();
  const store = memoryStore();
  const called: string[] = [];
  const note = (name: string) => () => {
    called.push(name);
    return "x";
  };
  await refusal({
    turn: note("turn"),
    clock,
    store,
    agentOf: note("agentOf"),
    laneFor: note("laneFor"),
    createId: note("createId"),
    random: note("random"),
    lane: { cap: 0 },
  });
  expect(clock.nextTimerInMs()).toBeUndefined();
  expect(called).toEqual([]);
  await expect(createFixture({ store })).resolves.toBeDefined();
});

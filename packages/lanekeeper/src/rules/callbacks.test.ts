import { expect, test } from "vitest";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { createFixture, type Fixture } from "./fixture.ts";

type Options = Partial<
  Pick<LanekeeperOptions, "agentOf" | "laneFor" | "logger" | "lane" | "random" | "createId">
>;

const fail = (): never => {
  throw new Error("broken");
};
/** A callback that always throws, and the place that the log names. */
interface Broken {
  readonly options?: Options;
  /** Where what is done instead is no default: what does the same. */
  readonly instead?: Options;
  readonly place: string | undefined;
}
/** Every callback that a host gives. */
const callbacks: Record<string, Broken> = {
  "a subscriber": { place: "a subscriber of events$" },
  agentOf: { options: { agentOf: fail }, place: "agentOf" },
  laneFor: { options: { laneFor: fail }, place: "laneFor" },
  summarize: { options: { lane: { summarize: fail } }, place: "summarize" },
  createId: { options: { createId: fail }, place: "createId" },
  random: { options: { random: fail }, instead: { random: () => 1 - Number.EPSILON }, place: "random" },
  // Nobody can be told of a logger that throws.
  "the logger": {
    options: { logger: { debug: fail, info: fail, warn: fail, error: fail } },
    place: undefined,
  },
};

const lane = {
  cap: 3,
  overflow: "summarize",
  debounceMs: 100,
  stallAfterMs: 1_000,
  reclaimAfterMs: 2_000,
  abortGraceMs: 500,
  passivateAfterMs: 3_000,
  retry: { attempts: 2, baseMs: 200 },
} as const;

/** What happens in every corner of lanes, with callbacks as given: each step of it ends before 20 s are over. */
async function play(options: Options, subscriber?: () => void) {
  let made = 0;
  const fixture = await createFixture({
    capacity: { turns: 3 },
    createId: () => `id-${++made}`,
    ...options,
    lane: { ...lane, ...options.lane },
  });
  const { keeper, clock, turns } = fixture;
  if (subscriber !== undefined) keeper.events$.subscribe(subscriber);
  const outcomes: Promise<unknown>[] = [];
  let given = 0;
  // A `createId` that fails refuses what it was to name.
  const id = (): string => `given-${++given}`;
  const send = async (sessionKey: string, body: unknown, sent: object = {}): Promise<void> => {
    outcomes.push((await keeper.send(sessionKey, body, { id: id(), ...sent })).outcome);
    await clock.settle();
  };
  const end = async (settle: "resolve" | "reject"): Promise<void> => {
    turns.at(-1)![settle](settle === "resolve" ? "ok" : new Error("model down"));
    await clock.settle();
  };
  await send("agent:x:1", "work");
  for (let sent = 0; sent < 5; sent++) await send("agent:x:1", `waiting ${sent}`);
  await keeper.notify("agent:x:1", { kind: "note", key: "note" }, { id: id() });
  await keeper.notify("agent:x:1", { kind: "note", key: "note" }, { id: id() });
  await send("agent:x:1", "steering", { mode: "steer" }).catch(() => {});
  turns[0]!.turn.takeSteering();
  await end("reject");
  await clock.advance(200);
  await end("resolve");
  await send("agent:x:1", "now", { mode: "interrupt" });
  await clock.advance(500);
  await end("resolve");
  for (let left = 0; left < 3; left++) await end("resolve");
  await send("agent:y:1", 1, { mode: "collect" });
  await send("agent:y:1", 2, { mode: "collect", expiresInMs: 50 });
  await keeper.exec("agent:y:1", "build");
  fixture.processes.started[0]!.end(0);
  await clock.advance(100);
  await end("resolve");
  await send("main", "hangs");
  await send("main", "waits");
  await clock.advance(2_500);
  await end("resolve");
  keeper.wake("main", { coalesceMs: 0 });
  await clock.settle();
  await keeper.abort("main");
  await end("reject");
  await keeper.pause("main");
  await send("main", "paused");
  await send("main", "no", { mode: "reject" }).catch(() => {});
  await keeper.reset("main");
  await keeper.resume("main");
  await clock.settle();
  await end("resolve");
  await clock.advance(5_000);
  await send("agent:x:1", "after sleep");
  await end("reject");
  await clock.advance(200);
  await end("resolve");
  const names = new Map<unknown, string>();
  const trace = fixture.events.map((event) => comparable(event, names));
  const ended = (await Promise.all(outcomes)).map((outcome) => comparable(outcome as object, names));
  return { ...fixture, trace, outcomes: ended };
}

/** An error is compared by its text; what the keeper names, by when it was named. */
function comparable(facts: object, names: Map<unknown, string>): object {
  const nameOf = (id: unknown): unknown => {
    if (typeof id !== "string" || id.startsWith("given-")) return id;
    if (!names.has(id)) names.set(id, `made-${names.size}`);
    return names.get(id);
  };
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => {
      if (value instanceof Error) return [key, value.message];
      if (Array.isArray(value)) return [key, value.map(nameOf)];
      return [key, /^id$|Id$/u.test(key) ? nameOf(value) : value];
    }),
  );
}

function linesAbout({ logs }: Pick<Fixture, "logs">, place: string) {
  return logs.filter(({ fields }) => fields["place"] === place);
}

test("B5 the scenario visits every corner: steering, overflow, interrupts, stalls, expiry, commands, sleep", async () => {
  const { trace } = await play({});
  const seen = new Set(trace.map((event) => (event as LanekeeperEvent).type));
  for (const type of [
    "message.steered",
    "message.dropped",
    "message.cancelled",
    "message.refused",
    "event.replaced",
    "turn.failed",
    "turn.retrying",
    "turn.aborting",
    "lane.stalled",
    "lane.reclaimed",
    "lane.passivated",
    "deadLetter.added",
    "exec.routed",
    "session.reset",
  ] as const)
    expect(seen).toContain(type);
});

for (const [name, { options, instead, place }] of Object.entries(callbacks)) {
  test(`B5 ${name} that throws changes nothing of what lanes do`, async () => {
    const sound = await play(instead ?? {});
    const broken = await play(options ?? {}, options === undefined ? fail : undefined);
    expect(broken.trace).toEqual(sound.trace);
    expect(broken.outcomes).toEqual(sound.outcomes);
    expect({ ...broken.keeper.stats(), eventLoopDelayMs: 0 }).toEqual({
      ...sound.keeper.stats(),
      eventLoopDelayMs: 0,
    });
  });

  if (place === undefined) continue;
  test(`B5 ${name} that throws is logged once per 30 s, with what it threw and how often since`, async () => {
    const broken = await play(options ?? {}, options === undefined ? fail : undefined);
    expect(linesAbout(broken, place)).toMatchObject([
      { level: "error", fields: { place, error: { message: "broken" } } },
    ]);
    await broken.clock.advance(30_000);
    await broken.keeper.pause("agent:z:1");
    for (let sent = 0; sent < 5; sent++)
      await broken.keeper.send("agent:z:1", sent, { id: `given-after-${sent}` });
    await broken.keeper.resume("agent:z:1");
    await broken.clock.settle();
    broken.turns.at(-1)!.reject(new Error("model down"));
    await broken.clock.settle();
    expect(linesAbout(broken, place)).toMatchObject([{}, { fields: { heldBack: expect.any(Number) } }]);
  });
}

test("B5 every callback throws at once: the lanes do the same", async () => {
  const sound = await play({});
  const all: Options = { agentOf: fail, laneFor: fail, createId: fail, lane: { summarize: fail } };
  const broken = await play({ ...all, ...callbacks["the logger"]!.options }, fail);
  expect(broken.trace).toEqual(sound.trace);
  expect(broken.outcomes).toEqual(sound.outcomes);
});

test("B5 what a subscriber calls takes effect after the current step", async () => {
  const fixture = await createFixture();
  const { keeper, clock, turns } = fixture;
  const seen: unknown[] = [];
  keeper.events$.subscribe((event) => {
    if (event.type !== "turn.started") return;
    seen.push(keeper.session("a")?.detail);
    void keeper.abort("a");
    void keeper.send("a", "sent by a subscriber", { mode: "steer" });
    seen.push(keeper.session("a")?.detail);
  });
  await keeper.send("a", "work");
  await clock.settle();
  expect(seen).toEqual(["busy.running", "busy.running"]);
  expect(turns[0]!.turn.signal.aborted).toBe(true);
  expect(keeper.session("a")).toMatchObject({ detail: "busy.aborting", waiting: 1 });
});

const brokenRandoms: readonly (readonly [string, () => number])[] = [
  ["throws", fail],
  ["gives no number", () => "half" as unknown as number],
  ["gives NaN", () => Number.NaN],
  ["gives more than a chance", () => 2],
  ["rejects", () => Promise.reject(new Error("broken")) as unknown as number],
];

test.each(brokenRandoms)(
  "B5 starts where random %s, says so, and makes ids of its own",
  async (_, broken) => {
    const clock = createSimulatedClock();
    const fixtures = [
      await createFixture({ clock, random: broken }),
      await createFixture({ clock, random: broken }),
    ];
    const ids = await Promise.all(fixtures.map(async ({ keeper }) => (await keeper.send("s", 1)).id));
    await clock.settle();
    expect(new Set(ids).size).toBe(2);
    for (const fixture of fixtures) expect(linesAbout(fixture, "random")).toHaveLength(1);
  },
);

test.each(brokenRandoms)("B5 tries again where random %s, and says so", async (_, broken) => {
  let random = (): number => 0.5;
  const { keeper, clock, turns, logs } = await createFixture({ random: () => random() });
  random = broken;
  const receipt = await keeper.send("s", 1);
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.advance(60_000);
  turns[1]!.resolve("done");
  expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "done", attempts: 2 });
  expect(linesAbout({ logs }, "random")).toHaveLength(1);
});

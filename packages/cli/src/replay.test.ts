import { createLanekeeper } from "lanekeeper";
import type { Lanekeeper, LanekeeperOptions, Receipt, Turn } from "lanekeeper";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ReplayMessage } from "./replay-agent.ts";
import { replay } from "./replay.ts";
import type { ReplayHooks, ReplayOptions, ReplayResult } from "./replay.ts";
import { readTrace } from "./trace.ts";
import type { Trace } from "./trace.ts";

const bundledTrace = () =>
  readTrace(fileURLToPath(new URL("../traces/chat-20-minutes.jsonl", import.meta.url)));

const options: ReplayOptions = {
  speed: "max",
  capacity: 32,
  shares: { hang: 0.01, crash: 0.01, exec: 0.02 },
  stallMs: 20_000,
  reclaimMs: 60_000,
  graceMs: 5_000,
  seed: 1,
};
const calm: ReplayOptions = { ...options, shares: { hang: 0, crash: 0, exec: 0 } };
const hooks: ReplayHooks = { stop: new AbortController().signal };

function traceOf(...sessions: readonly string[]): Trace {
  const arrivals = sessions.map((session, index) => ({
    at: index * 1_000,
    session,
    inputTokens: 1,
    outputTokens: 200,
  }));
  return { name: "made", arrivals, sessions: new Set(sessions).size };
}

function counts({ tally }: ReplayResult) {
  const { orderViolations, overlaps, lost, duplicated } = tally;
  return { orderViolations, overlaps, lost, duplicated };
}
const none = { orderViolations: 0, overlaps: 0, lost: 0, duplicated: 0 };

describe("the bundled trace at full speed, with hangs, crashes and commands", () => {
  it("has four zeros, an outcome for each message and a delivery for each command", async () => {
    const result = await replay(await bundledTrace(), options, hooks);
    expect(result).toMatchObject({ end: "complete", sent: 2_915 });
    expect(counts(result)).toEqual(none);
    const { messages, completions } = result.tally;
    const { completed, failed, reclaimed } = messages.outcomes;
    expect(completed + failed + reclaimed).toBe(2_915);
    expect(reclaimed).toBeGreaterThan(10);
    expect(completions.started).toBeGreaterThan(30);
    expect(completions.delivered).toBe(completions.started);
    expect(result.traceMs).toBeGreaterThan(1_200_000);
  });

  it("comes to the same for the same seed, and to something else for another", async () => {
    const whole = await bundledTrace();
    const trace = { ...whole, arrivals: whole.arrivals.slice(0, 1_000) };
    const run = async (seed: number) => {
      const { traceMs, sent, end, tally } = await replay(trace, { ...options, seed, capacity: 16 }, hooks);
      const { turns, deadLettered, messages, completions } = tally;
      const { outcomes, waitsMs } = messages;
      return { traceMs, sent, end, turns, deadLettered, outcomes, waitsMs, started: completions.started };
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect(await run(6)).not.toEqual(first);
  });
});

it("makes people wait where there is too little capacity", async () => {
  const waits = async (capacity: number) => {
    const result = await replay(traceOf("a", "b", "c"), { ...calm, capacity }, hooks);
    return result.tally.messages.waitsMs;
  };
  expect(await waits(3)).toEqual([0, 0, 0]);
  expect(await waits(1)).toEqual([0, 2_000, 4_000]);
});

it("reclaims every turn where all hang, and fails all where all crash", async () => {
  const run = async (shares: Partial<ReplayOptions["shares"]>) => {
    const result = await replay(
      traceOf("a", "a", "b"),
      { ...calm, shares: { ...calm.shares, ...shares } },
      hooks,
    );
    expect(counts(result)).toEqual(none);
    return result.tally.messages.outcomes;
  };
  expect(await run({ hang: 1 })).toMatchObject({ completed: 0, reclaimed: 3 });
  expect(await run({ crash: 1 })).toMatchObject({ completed: 0, failed: 3 });
});

it("closes in order when it is stopped, and holds nothing against the keeper", async () => {
  const stop = new AbortController();
  let turns = 0;
  const result = await replay(await bundledTrace(), options, { stop: stop.signal }, (given) =>
    createLanekeeper({
      ...given,
      turn(turn) {
        turns += 1;
        if (turns === 500) stop.abort();
        return given.turn(turn);
      },
    }),
  );
  expect(result.end).toBe("interrupted");
  expect(result.sent).toBeLessThan(2_915);
  expect(result.tally.messages.outcomes.suspended).toBeGreaterThan(0);
  expect(counts(result)).toEqual(none);
});

it("lets a spectator ask how it goes", async () => {
  const seen: number[] = [];
  await replay(traceOf("a", "b"), calm, {
    ...hooks,
    onBegin(progress) {
      const { sent, settled, total, traceMs, stats } = progress();
      seen.push(sent, settled, total, traceMs, stats.running);
    },
  });
  expect(seen).toEqual([0, 0, 2, 0, 0]);
});

describe("a faulty keeper is caught", () => {
  type Options = LanekeeperOptions<ReplayMessage, string>;
  type Keeper = Lanekeeper<ReplayMessage, string>;

  const withTurn =
    (change: (turn: Turn<ReplayMessage>, given: Options) => Promise<string>) => (given: Options) =>
      createLanekeeper<ReplayMessage, string>({ ...given, turn: (turn) => change(turn, given) });
  const withKeeper = (change: (keeper: Keeper) => Partial<Keeper>) => async (given: Options) => {
    const keeper = await createLanekeeper<ReplayMessage, string>(given);
    return overlay(keeper, change(keeper));
  };

  it("that runs a message twice", async () => {
    const result = await replay(
      traceOf("a"),
      calm,
      hooks,
      withTurn(async (turn, given) => {
        await given.turn(turn);
        return await given.turn(turn);
      }),
    );
    expect(counts(result)).toEqual({ ...none, duplicated: 1 });
  });

  it("that does not fence a turn it reclaimed", async () => {
    const result = await replay(
      traceOf("a", "a"),
      { ...calm, shares: { ...calm.shares, hang: 1 } },
      hooks,
      withTurn(async (turn, given) => await given.turn(overlay(turn, { assertCurrent: () => undefined }))),
    );
    expect(counts(result)).toEqual({ ...none, overlaps: 1 });
  });

  it("that forgets an outcome", async () => {
    const result = await replay(
      traceOf("a", "b"),
      calm,
      hooks,
      withKeeper((keeper) => ({
        async send(sessionKey, message, sendOptions) {
          const receipt = await keeper.send(sessionKey, message, sendOptions);
          return sessionKey === "a" ? overlay(receipt, { outcome: new Promise(() => undefined) }) : receipt;
        },
      })),
    );
    expect(result.end).toBe("quiet");
    expect(counts(result)).toEqual({ ...none, lost: 1 });
  });

  it("that swaps two messages of a session", async () => {
    const result = await replay(
      traceOf("a", "a"),
      calm,
      hooks,
      withKeeper((keeper) => {
        const { promise: late, resolve } = Promise.withResolvers<Receipt<string>>();
        let sendFirst: (() => Promise<Receipt<string>>) | undefined;
        return {
          async send(sessionKey, message, sendOptions) {
            if (sendFirst === undefined) {
              sendFirst = () => keeper.send(sessionKey, message, sendOptions);
              return { outcome: late.then((receipt) => receipt.outcome) } as unknown as Receipt<string>;
            }
            const second = await keeper.send(sessionKey, message, sendOptions);
            resolve(await sendFirst());
            return second;
          },
        };
      }),
    );
    expect(counts(result)).toEqual({ ...none, orderViolations: 1 });
  });

  it("that shows a completion to another session", async () => {
    const result = await replay(
      traceOf("a"),
      { ...calm, shares: { ...calm.shares, exec: 1 } },
      hooks,
      withTurn(async (turn, given) => {
        const isMisrouted = turn.events.length > 0;
        return await given.turn(isMisrouted ? overlay(turn, { sessionKey: "b" }) : turn);
      }),
    );
    expect(counts(result)).toEqual({ ...none, lost: 1 });
  });

  it("that swallows a completion", async () => {
    const result = await replay(
      traceOf("a"),
      { ...calm, shares: { ...calm.shares, exec: 1 } },
      hooks,
      withTurn(async (turn, given) => (turn.events.length > 0 ? "swallowed" : await given.turn(turn))),
    );
    expect(result.end).toBe("quiet");
    expect(counts(result)).toEqual({ ...none, lost: 1 });
  });
});

/** The object with some of its members replaced; the others keep their `this`. */
function overlay<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(object, key) {
      if (Object.hasOwn(members, key)) return Reflect.get(members, key);
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

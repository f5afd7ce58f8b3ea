import type { CapacityOptions, Clock, LaneSettings, Turn } from "lanekeeper";
import { describe, expect, it } from "vitest";
import type { Command } from "./command.ts";
import type { SimulationOptions, TurnPlace } from "./setup.ts";
import { type ShrinkOptions, shrinkSimulation } from "./shrink.ts";
import { type Simulation, simulate } from "./simulate.ts";

const small = { minutes: 1, sessions: 6 };
const send = (at: number, id: string, session = "agent:a1:s5"): Command => ({
  at,
  do: "send",
  session,
  id,
});

describe("a simulation", () => {
  it("is the same run with the same seed, and another with another", async () => {
    const [first, again, other] = [
      await simulate({ seed: 7, ...small }),
      await simulate({ seed: 7, ...small }),
      await simulate({ seed: 8, ...small }),
    ];
    expect(again.trace).toEqual(first.trace);
    expect(again.hash).toBe(first.hash);
    expect(other.hash).not.toBe(first.hash);
  });

  it("is the same run from the commands that it gave", async () => {
    const { commands, hash } = await simulate({ seed: 9, ...small });
    const asFile = JSON.parse(JSON.stringify(commands)) as Command[];
    expect((await simulate({ seed: 9, ...small, commands: asFile })).hash).toBe(hash);
  });

  it("does in a turn what its work decides, whatever other commands there are", async () => {
    const commands = [send(10, "alone"), send(10, "beside", "agent:a2:s6")];
    const done = async (given: readonly Command[]): Promise<string[]> => {
      const drawn: string[] = [];
      const turn = ({ messages }: Turn<string>, { chance }: TurnPlace): string => {
        drawn.push(`${messages[0]!.id} ${chance.next()}`);
        return "done";
      };
      await simulate({ seed: 1, ...small, faults: [], commands: given, turn });
      return drawn;
    };
    const [both, one] = [await done(commands), await done(commands.slice(0, 1))];
    expect(both).toHaveLength(2);
    expect(both).toContain(one[0]);
  });

  it("gives a recording of each life of each keeper", async () => {
    const crash: Command = { at: 1_000, do: "crash", keeper: 0, downMs: 500 };
    const { recordings, violations } = await simulate({
      seed: 1,
      ...small,
      faults: [],
      commands: [send(10, "before"), crash, send(2_000, "after")],
      turn: () => "done",
    });
    expect(violations).toEqual([]);
    expect(recordings.map((lives) => lives.map(({ name }) => name))).toEqual([["k1.1", "k1.2"], ["k2.1"]]);
    const turns = recordings[0]!.map(({ recording }) =>
      recording.entries.flatMap((entry) => (entry.type === "turn" ? entry.messages.map(({ id }) => id) : [])),
    );
    expect(turns).toEqual([["before"], ["after"]]);
  });

  it("tells how far it is", async () => {
    const told: number[] = [];
    await simulate({ seed: 1, ...small, minutes: 3, commands: [], progress: (ms) => void told.push(ms) });
    expect(told.at(-1)).toBe(180_000);
  });

  it.each([
    ["options", null as unknown as SimulationOptions],
    ["hours", { seed: 1, hours: 2 } as SimulationOptions],
    ["seed", { seed: 0.5 }],
    ["minutes", { seed: 1, minutes: 0 }],
    ["sessions", { seed: 1, sessions: 2, agents: 3 }],
    ["sessions", { seed: 1, sessions: 0 }],
    ["keepers", { seed: 1, agents: 2, keepers: 3 }],
    ["faults", { seed: 1, faults: ["weather" as "clocks"] }],
    ["faults", { seed: 1, faults: 3 as unknown as ["clocks"] }],
    ["turn", { seed: 1, turn: "x" as unknown as () => string }],
    ["progress", { seed: 1, progress: 3 as unknown as () => void }],
    ["options.lane.stallAfterMs", { seed: 1, lane: { stallAfterMs: -1 } }],
    ["options.lane.stallAfter", { seed: 1, lane: { stallAfter: 5 } as LaneSettings }],
    ["capacity", { seed: 1, capacity: null as unknown as CapacityOptions }],
    ["capacity", { seed: 1, capacity: 3 as unknown as CapacityOptions }],
    ["capacity.turns", { seed: 1, capacity: { turns: 0 } }],
    ["commands", { seed: 1, commands: {} as Command[] }],
    ["commands.0.do", { seed: 1, commands: [{ at: 0, do: "dance" } as unknown as Command] }],
    ["commands.0.do", { seed: 1, commands: [{ at: 0, do: "toString" } as unknown as Command] }],
    ["commands.0.do", { seed: 1, commands: [null as unknown as Command] }],
    ["commands.0.at", { seed: 1, commands: [{ ...send(0, "m"), at: -1 }] }],
    ["commands.0.at", { seed: 1, commands: [{ ...send(0, "m"), at: "5" as unknown as number }] }],
  ])("refuses %s that it cannot use", async (option, options) => {
    await expect(simulate(options)).rejects.toMatchObject({ code: "INVALID_OPTION", details: { option } });
  });

  it.each<[option: string, command: object]>([
    ["downMs", { do: "crash", keeper: 0 }],
    ["downMs", { do: "close", keeper: 0, downMs: Number.NaN }],
    ["drainMs", { do: "close", keeper: 0, drainMs: -1, downMs: 0 }],
    ["keeper", { do: "pauseAll" }],
    ["keeper", { do: "crash", keeper: 0.5, downMs: 0 }],
    ["session", { do: "send", id: "m" }],
    ["id", { do: "cancel", session: "agent:a1:main" }],
    ["mode", { do: "send", session: "agent:a1:main", id: "m", mode: "folowup" }],
    ["wake", { do: "notify", session: "agent:a1:main", id: "e", wake: "no" }],
    ["exitCode", { do: "reportExec", session: "agent:a1:main", execId: "x", exitCode: "0" }],
    ["what", { do: "heartbeat", agent: "a1", what: "toString" }],
    ["capacity", { do: "setCapacity", keeper: 0, capacity: null }],
    ["byMs", { do: "stepClock", keeper: 0, byMs: Infinity }],
    ["forMs", { do: "sleep", keeper: 0, forMs: -1 }],
    ["share", { do: "leaseFaults", forMs: 5, share: 50 }],
    ["ttlMs", { do: "using", keeper: 0, name: "mail", waitMs: 0, holdMs: 0 }],
  ])("refuses a command whose %s it cannot use, whatever else it has", async (field, command) => {
    const commands = [send(0, "fine"), { at: 0, ...command } as Command];
    const refusal = { code: "INVALID_OPTION", details: { option: `commands.1.${field}` } };
    await expect(simulate({ seed: 1, commands })).rejects.toMatchObject(refusal);
  });

  it("refuses a command with a field that it does not know, and says which there are", async () => {
    const commands = [{ ...send(0, "m"), expires: 5 } as unknown as Command];
    await expect(simulate({ seed: 1, commands })).rejects.toThrow(
      "Unknown option expires of commands.0. Known: at, do, session, id, mode,",
    );
  });

  it("says that it is for the agents that there cannot be as many keepers", async () => {
    await expect(simulate({ seed: 1, keepers: 9 })).rejects.toThrow("one for each of 4 agents");
  });

  it("takes a capacity without the groups that the seed would use", async () => {
    for (let seed = 1; seed <= 5; seed++)
      expect((await simulate({ seed, ...small, capacity: { turns: 2 } })).violations).toEqual([]);
  });

  it("B33 says why a keeper does not start any more", async () => {
    const capacity = { turns: 2 };
    const { violations } = await simulate({
      seed: 1,
      minutes: 1,
      agents: 1,
      sessions: 1,
      capacity,
      commands: [send(10, "before", "agent:a1:main"), { at: 1_000, do: "crash", keeper: 0, downMs: 500 }],
      turn: () => (capacity.turns = 0),
    });
    const sentence = expect.stringMatching(/^k1 does not start: .*capacity\.turns must be/);
    expect(violations).toContainEqual({ rule: "B33", claim: "A keeper starts again.", sentence });
  });
});

describe("a simulation in which something throws that nobody catches", () => {
  const boom = new Error("boom");
  const throwLater = (clock: Clock, delayMs: number): void =>
    void clock.setTimeout(() => {
      throw boom;
    }, delayMs);
  const options = { seed: 7, minutes: 2, sessions: 6, faults: [], commands: [send(1_000, "bad")] };
  const realTimers = (): number =>
    process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;

  it("says by which seed a handler's timer threw and when, and leaves no timer behind", async () => {
    const before = realTimers();
    const turn: SimulationOptions["turn"] = (_, { clock }) => throwLater(clock, 60_000);
    const ended = await simulate({ ...options, turn }).catch((error: unknown) => error);
    const message = "Seed 7 ended at 61,000 ms of virtual time: boom";
    expect(ended).toMatchObject({ message, cause: boom });
    expect(realTimers()).toBe(before);
  });

  it("leaves no timer behind where another throws while it is buried", async () => {
    const before = realTimers();
    const turn: SimulationOptions["turn"] = (_, { clock }) => {
      for (const delayMs of [60_000, 60_001, 60_002]) throwLater(clock, delayMs);
    };
    const simulation = simulate({ ...options, turn });
    await expect(simulation).rejects.toMatchObject({ cause: boom });
    expect(realTimers()).toBe(before);
  });

  it("says so of what throws only when all is over", async () => {
    const before = realTimers();
    const crash: Command = { at: 2_000, do: "crash", keeper: 0, downMs: 500 };
    const simulation = simulate({
      ...options,
      commands: [send(1_000, "bad", "agent:a1:main"), crash],
      turn: (_, { clock }) => throwLater(clock, 60_000),
    });
    await expect(simulation).rejects.toThrow(/^Seed 7 ended at [\d,]+ ms of virtual time: boom$/);
    expect(realTimers()).toBe(before);
  });

  it("says so of a progress that throws", async () => {
    const progress = (): never => {
      // What people throw is not always an error.
      // oxlint-disable-next-line typescript/only-throw-error
      throw "a text";
    };
    await expect(simulate({ ...options, commands: [], progress })).rejects.toMatchObject({
      message: "Seed 7 ended at 120,000 ms of virtual time: a text",
      cause: "a text",
    });
  });

  it("leaves no timer behind where a keeper refuses its options", async () => {
    const before = realTimers();
    await expect(simulate({ seed: 1, capacity: { turns: 0 } })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    expect(realTimers()).toBe(before);
  });
});

/** A handler that after one message wakes its own session for ever: it never comes to rest. */
function restless({ sessionKey, cause, messages }: Turn<string>, { keeper }: TurnPlace): string {
  if (messages.some(({ id }) => id === "bad") || cause === "wake")
    keeper.wake(sessionKey, { coalesceMs: 600_000 });
  return "done";
}

describe("a simulation that broke a rule", () => {
  it("is made as small as can be, and breaks that rule still", async () => {
    const options = { seed: 3, ...small, faults: [], lane: {}, turn: restless };
    const others = Array.from({ length: 20 }, (_, index) => send(index * 100, `m${index}`));
    const failed = await simulate({ ...options, commands: [...others, send(5_000, "bad")] });
    expect(failed.violations).not.toEqual([]);
    const shrunk = await shrinkSimulation(options, failed);
    expect(shrunk.commands).toEqual([send(5_000, "bad")]);
    expect(shrunk.violations[0]?.rule).toBe(failed.violations[0]?.rule);
  });

  it("breaks the same claim of that rule still, where a claim is known", async () => {
    const options = { seed: 3, ...small, faults: [], lane: {}, turn: restless };
    const failed = await simulate({ ...options, commands: [send(10, "other"), send(5_000, "bad")] });
    const [first] = failed.violations;
    expect(first).toMatchObject({ rule: "B40", claim: "In the end no session waits for a wake." });
    const shrink = async (claim: string | undefined): Promise<number> => {
      const given = { ...failed, violations: [{ ...first!, claim }] };
      return (await shrinkSimulation(options, given)).commands.length;
    };
    expect(await shrink(first!.claim)).toBe(1);
    expect(await shrink("Some other claim of the same rule.")).toBe(2);
    expect(await shrink(undefined)).toBe(1);
  });

  it("is also one that broke a promise of one's own", async () => {
    const wrong: string[] = [];
    const turn = ({ messages }: Turn<string>): string => {
      wrong.push(...messages.map(({ id }) => id).filter((id) => id === "bad"));
      return "done";
    };
    const options = { seed: 3, ...small, faults: [], lane: {}, turn };
    const others = Array.from({ length: 20 }, (_, index) => send(index * 100, `m${index}`));
    const failed = await simulate({ ...options, commands: [...others, send(5_000, "bad")] });
    expect([failed.violations, wrong]).toEqual([[], ["bad"]]);
    const shrunk = await shrinkSimulation(options, failed, { isBroken: () => wrong.splice(0).length > 0 });
    expect(shrunk.commands).toEqual([send(5_000, "bad")]);
  });

  it("is not one of which isBroken says that it is fine, nor one of which it does not say true or false", async () => {
    const options = { seed: 3, ...small, faults: [], commands: [] };
    const failed = await simulate(options);
    const shrink = (answer: unknown): Promise<Simulation> =>
      shrinkSimulation(options, failed, { isBroken: () => answer as boolean });
    await expect(shrink(false)).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { option: "failed" },
    });
    const refusal = { code: "INVALID_OPTION", details: { option: "isBroken" } };
    await expect(shrink(Promise.resolve(false))).rejects.toMatchObject(refusal);
    await expect(shrink(undefined)).rejects.toMatchObject(refusal);
  });

  it("is not one that broke none", async () => {
    const options = { seed: 3, ...small, faults: [], commands: [] };
    const refusal = { code: "INVALID_OPTION", details: { option: "failed" } };
    await expect(shrinkSimulation(options, await simulate(options))).rejects.toMatchObject(refusal);
  });

  it.each<[option: string, options: unknown, failed: unknown, shrink: unknown]>([
    ["failed", {}, undefined, {}],
    ["failed", {}, { violations: 5 }, {}],
    ["options", {}, {}, null],
    ["run", {}, {}, { run: 5 }],
    ["runs", {}, {}, { runs: -1 }],
    ["runs", {}, {}, { runs: 1.5 }],
    ["runs", {}, {}, { runs: Number.NaN }],
    ["progress", {}, {}, { progress: 5 }],
    ["isBroken", {}, {}, { isBroken: true }],
    ["seed", { seed: 0.5 }, {}, {}],
    ["commands", {}, { commands: 5 }, {}],
  ])("is not shrunk with %s that cannot be used", async (option, options, failed, shrink) => {
    const broken = { seed: 3, commands: [], violations: [{ rule: "B1", sentence: "" }] };
    const given = failed === undefined ? undefined : { ...broken, ...(failed as object) };
    const shrinking = shrinkSimulation(
      { seed: 3, ...small, ...(options as object) },
      given as unknown as Simulation,
      shrink as ShrinkOptions,
    );
    await expect(shrinking).rejects.toMatchObject({ code: "INVALID_OPTION", details: { option } });
  });

  it("stays as it is where no run may be spent on it", async () => {
    const options = { seed: 3, ...small, faults: [], lane: {}, turn: restless };
    const failed = await simulate({ ...options, commands: [send(5, "first"), send(10, "bad")] });
    expect((await shrinkSimulation(options, failed, { runs: 0 })).commands).toEqual(failed.commands);
  });
});

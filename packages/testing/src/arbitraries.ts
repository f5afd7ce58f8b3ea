import * as fc from "fast-check";
import type { ExecOptions, HeartbeatOptions, LaneSettings, LockOptions, SendOptions } from "lanekeeper";
import type { Fate } from "./scripted-leases.ts";
import type { StoreFate } from "./scripted-store.ts";

/** Every session key that is one: any text of 1 to 512 units, trimmed, without control characters and lone surrogates. */
export const anySessionKey: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom("agent:main:main", "agent:x:telegram:42", "a"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 64 }),
  )
  .filter((key) => key === key.trim() && key !== "" && !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(key));

/** A message's body: whatever survives JSON. */
export const anyBody: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 2 });

/** How a message meets a session that is not idle. */
export const anyMode: fc.Arbitrary<NonNullable<SendOptions["mode"]>> = fc.constantFrom(
  "followup",
  "collect",
  "steer",
  "interrupt",
  "reject",
);

const priority = fc.constantFrom("foreground", "normal", "background");
/** The options of a message, without `signal` and `group`. */
export const anySendOptions: fc.Arbitrary<SendOptions> = fc.record(
  { mode: anyMode, priority, expiresInMs: fc.integer({ min: 1, max: 60_000 }) },
  { requiredKeys: [] },
);

/** Settings of a lane that are valid together, with deadlines of seconds. */
export const anyLaneSettings: fc.Arbitrary<LaneSettings> = fc
  .record({
    mode: anyMode,
    cap: fc.constantFrom(1, 3, 20),
    overflow: fc.constantFrom("reject", "drop-oldest", "drop-newest", "summarize"),
    eventCap: fc.constantFrom(1, 3, 200),
    debounceMs: fc.integer({ min: 0, max: 1_000 }),
    debounceMoreMs: fc.integer({ min: 0, max: 4_000 }),
    stallAfterMs: fc.integer({ min: 1, max: 5_000 }),
    reclaimMoreMs: fc.integer({ min: 1, max: 10_000 }),
    timeoutMoreMs: fc.integer({ min: 0, max: 60_000 }),
    abortGraceMs: fc.constantFrom(0, 500, 5_000),
    attempts: fc.integer({ min: 1, max: 4 }),
    baseMs: fc.integer({ min: 0, max: 2_000 }),
    maxReclaims: fc.nat(2),
    maxCrashes: fc.nat(3),
    dedupeMs: fc.constantFrom(0, 1_000, 300_000),
    passivateAfterMs: fc.constantFrom(0, 1_000, 60_000),
  })
  .map(({ debounceMoreMs, reclaimMoreMs, timeoutMoreMs, attempts, baseMs, ...lane }) => ({
    ...lane,
    debounceMaxMs: lane.debounceMs + debounceMoreMs,
    reclaimAfterMs: lane.stallAfterMs + reclaimMoreMs,
    turnTimeoutMs: lane.stallAfterMs + reclaimMoreMs + timeoutMoreMs,
    retry: { attempts, baseMs, maxMs: 2 * baseMs },
  }));

/** The options of a command. */
export const anyExecOptions: fc.Arbitrary<ExecOptions> = fc.record(
  {
    timeoutMs: fc.integer({ min: 1, max: 60_000 }),
    notify: fc.constantFrom("always", "output-or-failure", "never"),
    killGraceMs: fc.constantFrom(0, 5_000),
  },
  { requiredKeys: [] },
);

/** The heartbeats of an agent, every few seconds to every few hours. */
export function anyHeartbeat(agent: string): fc.Arbitrary<HeartbeatOptions> {
  const timezone = fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Apia",
  );
  const time = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
  const activeHours = fc
    .record({ start: time, end: time, timezone })
    .filter(({ start, end }) => start !== end);
  return fc.record(
    {
      agent: fc.constant(agent),
      everyMs: fc.integer({ min: 5_000, max: 10_000_000 }),
      activeHours,
      minSpacingMs: fc.constantFrom(0, 1_000, 30_000),
      preemptible: fc.boolean(),
    },
    { requiredKeys: ["agent", "everyMs"] },
  );
}

/** The options of a lock, safe together. */
export const anyLockOptions: fc.Arbitrary<LockOptions> = fc
  .record({ ttlMs: fc.integer({ min: 1_000, max: 3_600_000 }), waitMs: fc.constantFrom(0, 5_000, 60_000) })
  .chain(({ ttlMs, waitMs }) =>
    fc.record({
      ttlMs: fc.constant(ttlMs),
      waitMs: fc.constant(waitMs),
      renewEveryMs: fc.integer({ min: Math.ceil(ttlMs / 10), max: Math.floor(ttlMs / 2) }),
    }),
  );

/** What becomes of a step of a store: most often nothing goes wrong. */
export const anyStoreFate: fc.Arbitrary<StoreFate | undefined> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.record({ answersAfterMs: fc.nat(2_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      fault: fc.constantFrom("throws", "fails", "fails-afterwards", "answer-lost", "never-arrives"),
    }),
  },
);

/** What becomes of a command to a lease store: most often it is a little slow. */
export const anyLeaseFate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ arrivesAfterMs: fc.nat(20), answersAfterMs: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ arrivesAfterMs: fc.nat(60_000), answersAfterMs: fc.nat(60_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      fault: fc.constantFrom("never-arrives", "answer-lost", "fails", "fails-afterwards"),
    }),
  },
);

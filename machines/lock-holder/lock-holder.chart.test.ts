import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createActor, SimulatedClock } from "xstate";
import { explore, stateOf } from "../reachability.ts";
import type { LockEvent } from "./lock-holder.events.ts";
import type { LockInput } from "./lock-holder.logic.ts";
import { lockHolderMachine } from "./lock-holder.machine.ts";
import { createTerms, type Instant } from "./lock-lease.ts";

const input: LockInput = { name: "chat", owner: "owner-1", label: null, terms: createTerms({}), once: false };
const sent: Instant = { monotonic: 0, wall: 0 };
const received: Instant = { monotonic: 10, wall: 10 };
const asleep: Instant = { monotonic: 10, wall: 3_600_000 };
const events: readonly LockEvent[] = [
  { type: "lock.acquire" },
  { type: "lock.cancel", reason: "aborted" },
  { type: "lock.forfeit", reason: "fenced" },
  { type: "lock.release" },
  { type: "line.reached" },
  { type: "line.blocked" },
  { type: "line.prompted" },
  { type: "line.taken" },
  { type: "line.failed" },
  { type: "acquisition.granted", token: "7", sent, received },
  { type: "acquisition.granted", token: "7", sent, received: asleep },
  { type: "acquisition.denied", heldBy: "another", expiresInMs: 900 },
  { type: "acquisition.failed" },
  { type: "acquisition.refused" },
  { type: "lease.vacated" },
  { type: "renewal.confirmed", sent, received },
  { type: "renewal.confirmed", sent, received: asleep },
  { type: "renewal.refused" },
  { type: "renewal.failed" },
  { type: "clock.jumped" },
  { type: "release.confirmed" },
  { type: "release.refused" },
  { type: "release.failed" },
];

describe("the lock holder's chart", () => {
  it("has the four states of B1 and no other on top", () => {
    expect(Object.keys(lockHolderMachine.states)).toEqual(["idle", "busy", "stalled", "reclaimed"]);
  });

  it("has every state reached and left again, waiting or trying once", () => {
    const walk = {
      events,
      distinguish: ({ failures: _, ...context }: { readonly failures: number }) => context,
    };
    const patient = explore(lockHolderMachine, { ...walk, input });
    expect(patient).toEqual({
      reached: [
        "idle.unasked",
        "idle.refused",
        "idle.released",
        "busy.inLine",
        "busy.acquiring.asked",
        "busy.acquiring.withdrawn",
        "busy.unserved",
        "busy.waiting",
        "busy.leaving",
        "busy.undoing",
        "busy.holding",
        "busy.renewing",
        "busy.releasing",
        "stalled.renewing",
        "stalled.retrying",
        "reclaimed.expiring",
        "reclaimed.returning",
        "reclaimed.over",
      ],
      unreached: [],
      trapped: [],
      unfed: [],
    });
    const once = explore(lockHolderMachine, { ...walk, input: { ...input, once: true } });
    expect(once).toEqual({
      ...patient,
      reached: patient.reached.filter((state) => state !== "busy.waiting"),
      unreached: ["busy.waiting"],
    });
  });

  it("never comes back from refused, released or reclaimed, in whatever order events arrive (B1, B54)", () => {
    const ended = /^(idle\.(refused|released)|reclaimed\..*)$/;
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.constantFrom(...events), { maxLength: 60 }),
        fc.nat(30_000),
        (once, steps, pause) => {
          const timers = new SimulatedClock();
          const holder = createActor(lockHolderMachine, { input: { ...input, once }, clock: timers }).start();
          let before = stateOf(holder.getSnapshot());
          for (const event of steps) {
            holder.send(event);
            timers.increment(pause);
            const after = stateOf(holder.getSnapshot());
            expect(!ended.test(before) || after.split(".")[0] === before.split(".")[0]).toBe(true);
            before = after;
          }
          holder.stop();
        },
      ),
    );
  });

  it("never has two renewals in flight, in whatever order the store answers (B50)", () => {
    const answers = events.filter(({ type }) => type.startsWith("renewal.") || type === "clock.jumped");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.option(fc.constantFrom(...answers)), fc.constantFrom(0, 1_000, 6_000, 20_000)), {
          maxLength: 40,
        }),
        (steps) => {
          let inFlight = 0;
          let most = 0;
          const timers = new SimulatedClock();
          const machine = lockHolderMachine.provide({
            actions: {
              sendRenewal: () => {
                inFlight += 1;
                most = Math.max(most, inFlight);
              },
            },
          });
          const holder = createActor(machine, { input, clock: timers }).start();
          holder.send({ type: "lock.acquire" });
          holder.send({ type: "line.reached" });
          holder.send({ type: "acquisition.granted", token: "7", sent, received });
          for (const [event, pause] of steps) {
            timers.increment(pause);
            if (event?.type.startsWith("renewal.")) {
              if (inFlight === 0) continue;
              inFlight -= 1;
            }
            if (event !== null) holder.send(event);
            expect(most).toBeLessThanOrEqual(1);
          }
          holder.stop();
        },
      ),
    );
  });
});

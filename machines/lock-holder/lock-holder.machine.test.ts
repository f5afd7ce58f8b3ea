import { describe, expect, it } from "vitest";
import { fromCallback } from "xstate";
import { startHolder } from "../staged-lock-holder.ts";
import type { LockEvent } from "./lock-holder.events.ts";
import type { LeaseRequest, LockInput } from "./lock-holder.logic.ts";
import { createTerms } from "./lock-lease.ts";

const granted = { type: "acquisition.granted", token: "7" } as const;
const denied = { type: "acquisition.denied", heldBy: "another", expiresInMs: 900 } as const;
const confirmed = { type: "renewal.confirmed" } as const;
const canceled = { type: "lock.cancel", reason: "aborted" } as const;
const fenced = { type: "lock.forfeit", reason: "fenced" } as const;

function startAcquiring(part: Partial<LockInput> = {}) {
  const holder = startHolder(part);
  holder.tell({ type: "lock.acquire" }, { type: "line.reached" });
  return holder;
}

function startHolding() {
  const holder = startAcquiring();
  holder.tell(granted);
  return holder;
}

function startRenewing() {
  const holder = startHolding();
  holder.pass(20_000);
  return holder;
}

describe("a lock holder that asks", () => {
  it("waits in line, asks the store and holds what it grants", () => {
    const holder = startHolder();
    expect(holder.tell({ type: "lock.acquire" })).toBe("busy.inLine");
    expect(holder.tell({ type: "line.blocked" })).toBe("busy.inLine");
    expect(holder.waits).toEqual([0]);
    expect(holder.tell({ type: "line.reached" })).toBe("busy.acquiring.asked");
    expect(holder.tell(granted)).toBe("busy.holding");
    expect(holder.log).toEqual(["joined", "acquired"]);
  });

  it("keeps its place in line while the lease is another's, and asks again when told or in time", () => {
    const holder = startAcquiring();
    expect(holder.tell(denied)).toBe("busy.waiting");
    expect(holder.tell({ type: "lease.vacated" })).toBe("busy.acquiring.asked");
    holder.tell(denied);
    expect(holder.pass(1_000)).toBe("busy.acquiring.asked");
    expect(holder.asked).toEqual(["acquisition", "vacancy", "acquisition", "vacancy", "acquisition"]);
    expect(holder.waits).toEqual([1, 3]);
    expect(holder.log).toEqual(["joined"]);
  });

  it("waits no longer than it was allowed, however often it asked (B53)", () => {
    const holder = startAcquiring();
    for (let seconds = 0; seconds < 9; seconds += 1) {
      holder.tell(denied);
      holder.pass(1_000);
    }
    holder.tell(denied);
    expect(holder.pass(999)).toBe("busy.waiting");
    expect(holder.tell({ type: "lease.vacated" }, denied)).toBe("busy.waiting");
    expect(holder.pass(1)).toBe("idle.refused");
    expect(holder.log).toEqual(["joined", "refused: timeout", "left"]);
  });

  it("gives up in line at its limit or when told", () => {
    const late = startHolder();
    late.tell({ type: "lock.acquire" });
    expect(late.pass(10_000)).toBe("idle.refused");
    const told = startHolder();
    expect(told.tell({ type: "lock.acquire" }, canceled)).toBe("idle.refused");
    expect(told.log).toEqual(["joined", "refused: aborted", "left"]);
  });

  it("acquires nothing for an owner that closed meanwhile (B53)", () => {
    const closed = { type: "lock.cancel", reason: "closed" } as const;
    const waiting = startAcquiring();
    expect(waiting.tell(denied, closed)).toBe("idle.refused");
    expect(waiting.log).toContain("refused: closed");
  });

  it("never has the lock once it gave up: a grant on its way is undone (B53)", () => {
    for (const late of [granted, { type: "acquisition.failed" } as const]) {
      const holder = startAcquiring();
      expect(holder.tell(canceled)).toBe("busy.acquiring.withdrawn");
      expect(holder.log).toEqual(["joined", "refused: aborted"]);
      expect(holder.tell(late)).toBe("busy.undoing");
      expect(holder.asked).toEqual(["acquisition", "release"]);
      expect(holder.tell({ type: "release.confirmed" })).toBe("idle.refused");
      expect(holder.log).not.toContain("acquired");
    }
    const slow = startAcquiring();
    expect(slow.pass(10_000)).toBe("busy.acquiring.withdrawn");
    expect(slow.log).toContain("refused: unavailable");
    expect(slow.tell(denied)).toBe("idle.refused");
    const told = startAcquiring();
    told.tell(denied, { type: "lease.vacated" });
    expect(told.pass(10_000)).toBe("busy.acquiring.withdrawn");
    expect(told.log).toContain("refused: timeout");
  });

  it("tries again after a lost answer, and at its limit undoes what it may have granted", () => {
    const holder = startAcquiring();
    expect(holder.tell({ type: "acquisition.failed" })).toBe("busy.waiting");
    expect(holder.pass(1_000)).toBe("busy.acquiring.asked");
    holder.tell({ type: "acquisition.failed" });
    expect(holder.tell(canceled)).toBe("busy.undoing");
    expect(holder.tell({ type: "release.failed" })).toBe("idle.refused");
  });

  it("does not trust a grant that took a lease's time to come, or that the machine slept through", () => {
    const slow = startAcquiring({ terms: createTerms({ waitMs: 600_000 }) });
    slow.pass(54_000);
    expect(slow.tell(granted)).toBe("busy.waiting");
    const asleep = startAcquiring();
    asleep.step(60_000);
    expect(asleep.tell(granted)).toBe("busy.waiting");
    asleep.tell({ type: "lease.vacated" });
    expect(asleep.tell(granted)).toBe("busy.holding");
  });

  it("gives up in line at its limit because of the store where that failed the first", () => {
    const holder = startHolder();
    holder.line.isFailed = true;
    holder.tell({ type: "lock.acquire" }, { type: "line.blocked" });
    expect(holder.pass(10_000)).toBe("idle.refused");
    expect(holder.log).toEqual(["joined", "refused: unavailable", "left"]);
  });

  it("gives up at once where the store failed for good, and undoes what it may have granted before", () => {
    const fresh = startAcquiring();
    expect(fresh.tell({ type: "acquisition.refused" })).toBe("idle.refused");
    expect(fresh.log).toEqual(["joined", "refused: unusable", "left"]);
    expect(fresh.asked).toEqual(["acquisition"]);
    const unsure = startAcquiring();
    unsure.tell({ type: "acquisition.failed" }, { type: "lease.vacated" });
    expect(unsure.tell({ type: "acquisition.refused" })).toBe("busy.undoing");
    const gone = startAcquiring();
    gone.tell(canceled);
    expect(gone.tell({ type: "acquisition.refused" })).toBe("idle.refused");
    expect(gone.log).toEqual(["joined", "refused: aborted", "left"]);
  });

  it("asks at once where somebody behind it asks once, and shares every answer", () => {
    const holder = startAcquiring();
    holder.tell({ type: "acquisition.failed" });
    expect(holder.tell({ type: "line.prompted" })).toBe("busy.acquiring.asked");
    expect(holder.tell({ type: "line.prompted" }, denied, { type: "line.prompted" }, granted)).toBe(
      "busy.holding",
    );
    expect(holder.asked.filter((word) => word === "acquisition")).toHaveLength(3);
    expect(holder.shared).toEqual(["failed", "taken", "taken"]);
  });

  it("that tries once behind others has the first one's answer for its own, or asks when it is reached", () => {
    const ends = [
      [{ type: "line.taken" }, "idle.refused", "refused: occupied"],
      [{ type: "line.failed" }, "idle.refused", "refused: unavailable"],
      [canceled, "idle.refused", "refused: aborted"],
      [{ type: "line.reached" }, "busy.acquiring.asked", "prompted"],
    ] as const;
    for (const [event, state, said] of ends) {
      const holder = startHolder({ once: true });
      expect(holder.tell({ type: "lock.acquire" }, { type: "line.blocked" })).toBe("busy.inLine");
      expect(holder.tell(event)).toBe(state);
      expect(holder.log).toContain(said);
    }
  });

  it("that tries once waits for the store's answer alone", () => {
    const occupied = startAcquiring({ once: true });
    expect(occupied.tell(denied)).toBe("idle.refused");
    expect(occupied.log).toContain("refused: occupied");
    const broken = startAcquiring({ once: true });
    expect(broken.tell({ type: "acquisition.failed" })).toBe("busy.undoing");
    expect(broken.log).toContain("refused: unavailable");
    expect(broken.tell({ type: "release.refused" })).toBe("idle.refused");
    expect(startAcquiring({ once: true }).tell(granted)).toBe("busy.holding");
  });

  it("goes on asking where it cannot listen for releases, and says so", () => {
    const broken = fromCallback<LockEvent, LeaseRequest>(() => {
      throw new Error("broken");
    });
    const watching = startHolder({}, { vacancy: broken });
    expect(watching.tell({ type: "lock.acquire" }, { type: "line.reached" }, denied)).toBe("busy.waiting");
    expect(watching.log).toContain("unwatched");
  });
});

describe("a lock holder that holds", () => {
  it("renews every third of the TTL and believes from when the renewal was sent (B49, B50)", () => {
    const holder = startHolding();
    expect(holder.pass(19_999)).toBe("busy.holding");
    expect(holder.pass(1)).toBe("busy.renewing");
    holder.pass(4_000);
    expect(holder.tell(confirmed)).toBe("busy.holding");
    expect(holder.pass(15_999)).toBe("busy.holding");
    expect(holder.pass(1)).toBe("busy.renewing");
    expect(holder.renewals()).toBe(2);
  });

  it("gives the lease back, and is idle whether or not the store answers (B54)", () => {
    for (const type of ["release.confirmed", "release.failed"] as const) {
      const holder = startHolding();
      expect(holder.tell({ type: "lock.release" })).toBe("busy.releasing");
      expect(holder.asked.at(-1)).toBe("release 7");
      expect(holder.tell({ type })).toBe("idle.released");
      expect(holder.log.slice(-2)).toEqual(["left", "released"]);
    }
  });

  it("gives back as well while a renewal is under way, and is not confused by its answer", () => {
    const holder = startRenewing();
    expect(holder.tell({ type: "lock.release" }, { type: "renewal.failed" })).toBe("busy.releasing");
    expect(holder.tell({ type: "renewal.refused" }, { type: "release.confirmed" })).toBe("idle.released");
  });

  it("learns on giving back that it had lost the lease before (B54)", () => {
    const holder = startHolding();
    expect(holder.tell({ type: "lock.release" }, { type: "release.refused" })).toBe("reclaimed.over");
    expect(holder.log.slice(-3)).toEqual(["aborted", "left", "lost: refused"]);
  });

  it("tells its work of its turn's abort and goes on until the turn is fenced (B54a)", () => {
    const holder = startHolding();
    expect(holder.tell(canceled)).toBe("busy.holding");
    expect(holder.log.at(-1)).toBe("aborted");
    expect(holder.pass(20_000)).toBe("busy.renewing");
    expect(holder.tell(canceled, confirmed)).toBe("busy.holding");
    expect(holder.tell(fenced)).toBe("reclaimed.expiring");
  });

  it("is at risk and disbelieves after a sleep until a renewal sent since then confirms it (B49)", () => {
    const holder = startHolding();
    holder.step(3_600_000);
    expect(holder.isBelieved()).toBe(false);
    expect(holder.tell({ type: "clock.jumped" })).toBe("stalled.renewing");
    expect(holder.tell(confirmed)).toBe("busy.holding");
    expect(holder.isBelieved()).toBe(true);
    expect(holder.log.slice(-2)).toEqual(["at risk", "recovered"]);
  });

  it("is not confirmed by a renewal that was sent before the sleep: sends another (B49)", () => {
    const noticed = startRenewing();
    noticed.step(3_600_000);
    expect(noticed.tell({ type: "clock.jumped" }, confirmed)).toBe("stalled.renewing");
    expect(noticed.renewals()).toBe(2);
    expect(noticed.tell(confirmed)).toBe("busy.holding");
    const unnoticed = startRenewing();
    unnoticed.step(3_600_000);
    expect(unnoticed.tell(confirmed)).toBe("stalled.renewing");
    expect(unnoticed.renewals()).toBe(2);
  });

  it("does not mind a clock stepped back", () => {
    const holder = startHolding();
    holder.step(-3_600_000);
    expect([holder.isBelieved(), holder.pass(20_000)]).toEqual([true, "busy.renewing"]);
    expect(holder.tell(confirmed)).toBe("busy.holding");
  });
});

describe("a lock holder at risk", () => {
  it("has one renewal in flight however long it hangs, and is lost at its deadline (B50, I5)", () => {
    const holder = startRenewing();
    expect(holder.pass(5_000)).toBe("stalled.renewing");
    expect(holder.pass(28_999)).toBe("stalled.renewing");
    expect(holder.isBelieved()).toBe(true);
    expect(holder.renewals()).toBe(1);
    expect(holder.pass(1)).toBe("reclaimed.expiring");
    expect(holder.isBelieved()).toBe(false);
    expect(holder.log.slice(-4)).toEqual(["at risk", "aborted", "left", "lost: expired"]);
  });

  it("retries a failed renewal sooner, and recovers (B50)", () => {
    const holder = startRenewing();
    expect(holder.tell({ type: "renewal.failed" })).toBe("stalled.retrying");
    expect(holder.pass(1_000)).toBe("stalled.renewing");
    holder.tell({ type: "renewal.failed" });
    expect(holder.pass(1_999)).toBe("stalled.retrying");
    expect(holder.pass(1)).toBe("stalled.renewing");
    expect(holder.tell(confirmed)).toBe("busy.holding");
    expect(holder.log.filter((word) => word === "at risk")).toHaveLength(1);
    expect(holder.pass(20_000)).toBe("busy.renewing");
  });

  it("is lost at its deadline while every renewal fails (B49)", () => {
    const holder = startRenewing();
    while (holder.tell({ type: "renewal.failed" }) === "stalled.retrying") holder.pass(100);
    holder.pass(0);
    expect(holder.log.at(-1)).toBe("lost: expired");
  });

  it("sends no renewal once belief is over, though the timers were late (B49)", () => {
    const slept = startHolding();
    expect([slept.pass(60_000), slept.renewals()]).toEqual(["reclaimed.expiring", 0]);
    const failing = startRenewing();
    failing.tell({ type: "renewal.failed" });
    expect([failing.pass(60_000), failing.renewals()]).toEqual(["reclaimed.expiring", 1]);
  });

  it("still owns the lock: gives it back, hears of aborts, forfeits it", () => {
    const stalled = () => {
      const holder = startRenewing();
      holder.tell({ type: "renewal.failed" }, canceled);
      return holder;
    };
    expect(stalled().log.at(-1)).toBe("aborted");
    expect(stalled().tell({ type: "lock.release" })).toBe("busy.releasing");
    expect(stalled().tell(fenced)).toBe("reclaimed.expiring");
  });
});

describe("a lock holder that lost its lock", () => {
  it("is over at once where the store says so, and stays so (B54)", () => {
    const holder = startRenewing();
    expect(holder.tell({ type: "renewal.refused" })).toBe("reclaimed.over");
    expect(holder.tell(confirmed, granted, { type: "lock.acquire" }, { type: "lock.release" })).toBe(
      "reclaimed.over",
    );
    expect(holder.isBelieved()).toBe(false);
    const late = startRenewing();
    late.pass(5_000);
    expect(late.tell({ type: "renewal.refused" })).toBe("reclaimed.over");
  });

  it("lets the lease run out while the work goes on, and renews it no more (B54a)", () => {
    const holder = startHolding();
    holder.tell(fenced);
    expect(holder.pass(59_999)).toBe("reclaimed.expiring");
    expect(holder.pass(1)).toBe("reclaimed.over");
    expect(holder.asked).toEqual(["acquisition"]);
  });

  it("gives the lease back at once when the work returns (B54a)", () => {
    const holder = startHolding();
    holder.tell(fenced);
    expect(holder.tell({ type: "lock.release" })).toBe("reclaimed.returning");
    expect(holder.asked.at(-1)).toBe("release 7");
    expect(holder.tell({ type: "release.confirmed" })).toBe("reclaimed.over");
  });
});

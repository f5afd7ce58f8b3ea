import type { BatchSummary } from "@lanekeeper/machines";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import { BatchClock } from "./batch-clock.ts";
import { completeLaneOptions } from "./lane-options.ts";

const options = completeLaneOptions({ debounceMs: 500, debounceMaxMs: 2_000 });

/** A batch to which messages come, and the clock that says how long it still waits. */
function startBatch(clock: SimulatedClock = createSimulatedClock()) {
  const batchClock = new BatchClock();
  let batch: BatchSummary = { firstSeq: 1, firstAt: clock.now(), lastAt: clock.now(), count: 1 };
  return {
    clock,
    /** What waits of the batch is this now. */
    is: (part: Partial<BatchSummary>) => void (batch = { ...batch, ...part }),
    /** Another message joins it. */
    joins: () => void (batch = { ...batch, lastAt: clock.now(), count: batch.count + 1 }),
    quietInMs: () => batchClock.quietInMs(batch, options, clock),
  };
}

describe("a batch (B18)", () => {
  it("is quiet debounceMs after its last message", async () => {
    const { clock, joins, quietInMs } = startBatch();
    expect(quietInMs()).toBe(500);
    await clock.advance(300);
    expect(quietInMs()).toBe(200);
    joins();
    expect(quietInMs()).toBe(500);
    await clock.advance(500);
    expect(quietInMs()).toBe(0);
    await clock.advance(50);
    expect(quietInMs()).toBe(-50);
  });

  it("waits no longer than debounceMaxMs after its first, however busy the traffic", async () => {
    const { clock, joins, quietInMs } = startBatch();
    quietInMs();
    for (let ms = 0; ms < 1_600; ms += 400) {
      await clock.advance(400);
      joins();
      quietInMs();
    }
    expect(quietInMs()).toBe(400);
    await clock.advance(300);
    joins();
    expect(quietInMs()).toBe(100);
  });

  it("that came while nobody looked has waited since: quiet counts while another turn runs", async () => {
    const { clock, joins, quietInMs } = startBatch();
    await clock.advance(200);
    joins();
    await clock.advance(400);
    expect(quietInMs()).toBe(100);
    await clock.advance(10_000);
    expect(startBatch(clock).quietInMs()).toBe(500);
    expect(quietInMs()).toBeLessThanOrEqual(0);
  });

  it("that was kept over a restart, however long, is quiet at once", async () => {
    const { clock, is, quietInMs } = startBatch();
    await clock.advance(86_400_000);
    is({ count: 3 });
    expect(quietInMs()).toBeLessThanOrEqual(0);
  });

  it("from which a message is withdrawn waits for the quiet of those that are left", async () => {
    const { clock, is, joins, quietInMs } = startBatch();
    const firstAt = clock.now();
    quietInMs();
    await clock.advance(300);
    joins();
    expect(quietInMs()).toBe(500);
    is({ lastAt: firstAt, count: 1 });
    expect(quietInMs()).toBe(200);
  });

  it("of which one is withdrawn and another joins waits for the quiet of the new one", async () => {
    const { clock, is, joins, quietInMs } = startBatch();
    joins();
    expect(quietInMs()).toBe(500);
    await clock.advance(400);
    is({ lastAt: clock.now(), count: 2 });
    expect(quietInMs()).toBe(500);
  });

  it("that is another begins to wait anew", async () => {
    const { clock, is, quietInMs } = startBatch();
    quietInMs();
    await clock.advance(450);
    is({ firstSeq: 2, firstAt: clock.now(), lastAt: clock.now() });
    expect(quietInMs()).toBe(500);
  });
});

describe("a step of the wall clock (I1)", () => {
  it("moves no batch that has been looked at", async () => {
    for (const step of [-3_600_000, 3_600_000]) {
      const { clock, quietInMs } = startBatch();
      quietInMs();
      await clock.advance(100);
      clock.stepWall(step);
      expect(quietInMs()).toBe(400);
    }
  });

  it("delays a batch that is new by no more than it may wait anyway", async () => {
    const { clock, joins, quietInMs } = startBatch();
    await clock.advance(100);
    clock.stepWall(-3_600_000);
    expect(quietInMs()).toBe(500);
    clock.stepWall(7_200_000);
    joins();
    expect(quietInMs()).toBe(500);
  });

  it("lets no batch wait longer than debounceMs from now, nor than debounceMaxMs in all", async () => {
    const happening = fc.record({
      passMs: fc.constantFrom(0, 1, 100, 499, 500, 3_000),
      stepMs: fc.constantFrom(0, 0, 0, -10_000, -50, 50, 10_000),
      doesJoin: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 12 }), async (happenings) => {
        const { clock, joins, quietInMs } = startBatch();
        const startMono = clock.monotonic();
        for (const { passMs, stepMs, doesJoin } of happenings) {
          const leftMs = quietInMs();
          expect(leftMs).toBeLessThanOrEqual(500);
          expect(clock.monotonic() + leftMs).toBeLessThanOrEqual(startMono + 2_000);
          await clock.advance(passMs);
          clock.stepWall(stepMs);
          if (doesJoin) joins();
        }
      }),
      { numRuns: 50 },
    );
  });
});

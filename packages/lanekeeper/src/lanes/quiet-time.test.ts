import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quietInMs } from "./quiet-time.ts";

const options = { debounceMs: 500, debounceMaxMs: 2_000 };

describe("the quiet of a batch (B18)", () => {
  it("is over so long after its last message", () => {
    const batch = { firstMono: 100, lastMono: 300 };
    expect(quietInMs(batch, options, 300)).toBe(500);
    expect(quietInMs(batch, options, 799)).toBe(1);
    expect(quietInMs(batch, options, 800)).toBe(0);
  });

  it("is over so long after its first message, however busy the traffic", () => {
    expect(quietInMs({ firstMono: 0, lastMono: 1_900 }, options, 1_900)).toBe(100);
  });

  it("is never longer away than the quiet time, and comes nearer as time passes", () => {
    const instant = fc.nat(10_000);
    fc.assert(
      fc.property(instant, instant, instant, fc.nat(5_000), (firstMono, between, since, passed) => {
        const batch = { firstMono, lastMono: firstMono + between };
        const now = batch.lastMono + since;
        const left = quietInMs(batch, options, now);
        expect(left).toBeLessThanOrEqual(options.debounceMs);
        expect(quietInMs(batch, options, now + passed)).toBe(left - passed);
      }),
    );
  });
});

import { expect, it } from "vitest";
import { type Clock, systemClock } from "../time/clock.ts";
import { memoryLeases } from "./memory-leases.ts";

it("leases in memory refuse a clock in place of a function that gives one, and say so", () => {
  const given = (): unknown => memoryLeases(systemClock as unknown as () => Clock);
  expect(given).toThrow(
    expect.objectContaining({
      code: "INVALID_OPTION",
      details: expect.objectContaining({ option: "clock" }),
      message: expect.stringContaining("must be a function that gives a clock, such as () => clock"),
    }),
  );
});

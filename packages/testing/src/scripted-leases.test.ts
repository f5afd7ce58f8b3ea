import { memoryLeases } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import { type Fate, type ScriptedLeases, scriptLeases } from "./scripted-leases.ts";
import { createVirtualTime } from "./virtual-time.ts";

const refusal = (option: string): unknown =>
  expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) });

function leasesWith(fate: Fate): ScriptedLeases {
  const time = createVirtualTime();
  return scriptLeases(
    memoryLeases(() => time.clock),
    time.after,
    () => fate,
  );
}

describe("scripted leases", () => {
  it.for<[option: string, fate: unknown]>([
    ["fault", { fault: "bogus" }],
    ["arrivesAfterMs", { arrivesAfterMs: -1 }],
    ["arrivesAfterMs", { arrivesAfterMs: Number.NaN }],
    ["answersAfterMs", { answersAfterMs: Infinity }],
    ["error", { fault: "fails", error: "broken" }],
    ["faults", { faults: "fails" }],
    ["options", undefined],
  ])("refuse a fate whose %s they do not know, in the command", async ([option, fate]) => {
    const leases = leasesWith(fate as Fate);
    await expect(leases.acquire("mail", "me", 1_000)).rejects.toEqual(refusal(option));
    expect(leases.ownerOf("mail")).toBeUndefined();
  });

  it("refuse what is no lease store, no way to wait, no script and no answer to whether they are blind", () => {
    const time = createVirtualTime();
    const store = memoryLeases(() => time.clock);
    const no = 5 as unknown as () => Fate;
    const fine = (): Fate => ({});
    expect(() => scriptLeases({} as typeof store, time.after, fine)).toThrow(refusal("leases"));
    expect(() => scriptLeases(store, no, fine)).toThrow(refusal("after"));
    expect(() => scriptLeases(store, time.after, no)).toThrow(refusal("fateOf"));
    expect(() => scriptLeases(store, time.after, fine, "no" as unknown as boolean)).toThrow(
      refusal("isBlind"),
    );
  });
});

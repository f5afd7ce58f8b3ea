import { describe, expect, it } from "vitest";
import { createVirtualTime } from "./virtual-time.ts";

describe("virtual time", () => {
  it("runs what is due in order, and what is ready before what is due next (I1)", async () => {
    const time = createVirtualTime();
    const clock = time.process();
    const ran: string[] = [];
    clock.setTimeout(() => ran.push("second"), 20);
    clock.setTimeout(() => {
      ran.push("first");
      void Promise.resolve().then(() => ran.push("ready"));
    }, 10);
    clock.clearTimeout(clock.setTimeout(() => ran.push("never"), 15));
    await time.advance(15);
    expect([ran, time.now]).toEqual([["first", "ready"], 15]);
    await time.advance(5);
    expect(ran).toEqual(["first", "ready", "second"]);
  });

  it("lets work that gives way to the event loop end before what is due next (I1)", async () => {
    const time = createVirtualTime();
    const ran: string[] = [];
    const giveWay = (times: number): void => {
      if (times > 0) setImmediate(giveWay, times - 1);
      else ran.push(`done at ${time.now}`);
    };
    time.after(10, () => giveWay(3));
    time.after(20, () => ran.push("next"));
    await time.advance(20);
    expect(ran).toEqual(["done at 10", "next"]);
  });

  it("lets whoever it was given choose among what is due at one instant, else what was armed first goes first (I2)", async () => {
    const orderOf = async (pick?: (count: number) => number): Promise<string> => {
      const time = createVirtualTime(pick);
      const [one, other] = [time.process(), time.process()];
      const ran: string[] = [];
      one.setTimeout(() => ran.push("a"), 5);
      other.setTimeout(() => ran.push("b"), 5);
      time.after(5, () => ran.push("c"));
      await time.advance(5);
      return ran.join("");
    };
    expect(await orderOf()).toBe("abc");
    expect(await orderOf((count) => count - 1)).toBe("cba");
    const counts: number[] = [];
    await orderOf((count) => (counts.push(count), 0));
    expect(counts).toEqual([3, 2]);
  });

  it("steps a wall clock alone", () => {
    const time = createVirtualTime();
    const [one, other] = [time.process(), time.process()];
    one.step(-3_600_000);
    expect(other.now() - one.now()).toBe(3_600_000);
    expect(one.monotonic()).toBe(other.monotonic());
  });

  it("lets a clock that sleeps stand still and its wall clock go on, and fires nothing of it meanwhile", async () => {
    const time = createVirtualTime();
    const clock = time.process();
    const fired: number[] = [];
    clock.setTimeout(() => fired.push(time.now), 100);
    await time.advance(40);
    clock.sleep(1_000);
    expect(clock.isAwake).toBe(false);
    await time.advance(1_000);
    expect([clock.isAwake, clock.monotonic(), clock.now() - Date.UTC(2026, 0, 1)]).toEqual([true, 40, 1_040]);
    await time.advance(60);
    expect(fired).toEqual([1_100]);
  });

  it("fires late what was due while its process was stopped, both clocks having gone on", async () => {
    const time = createVirtualTime();
    const clock = time.process();
    const fired: number[] = [];
    clock.setTimeout(() => fired.push(clock.monotonic()), 10);
    clock.stop(500);
    await time.advance(499);
    expect([fired, clock.monotonic()]).toEqual([[], 499]);
    await time.advance(1);
    expect(fired).toEqual([500]);
  });

  it("drifts by a clock's rate, and fires as late as told", async () => {
    const time = createVirtualTime();
    const fast = time.process({ rate: 2 });
    const late = time.process({ lateMs: () => 7 });
    const fired: [string, number][] = [];
    fast.setTimeout(() => fired.push(["fast", time.now]), 100);
    late.setTimeout(() => fired.push(["late", time.now]), 100);
    await time.advance(200);
    expect(fired).toEqual([
      ["fast", 50],
      ["late", 107],
    ]);
  });

  it("never runs anything of a process that has died", async () => {
    const time = createVirtualTime();
    const clock = time.process();
    let fired = 0;
    clock.setTimeout(() => fired++, 10);
    clock.end();
    await time.advance(1_000);
    expect(fired).toBe(0);
  });

  it("tells an observer after each thing that happens", async () => {
    const time = createVirtualTime();
    for (const ms of [1, 2]) time.after(ms, () => {});
    const seen: number[] = [];
    await time.advance(5, () => seen.push(time.now));
    expect(seen).toEqual([1, 2, 5]);
  });

  const refusal = (option: string): unknown =>
    expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) });

  it.for([-5, Number.NaN, Infinity])("takes no span of %d milliseconds", async (ms) => {
    const time = createVirtualTime();
    const clock = time.process();
    await expect(time.advance(ms)).rejects.toEqual(refusal("ms"));
    expect(() => time.after(ms, () => {})).toThrow(refusal("ms"));
    expect(() => clock.sleep(ms)).toThrow(refusal("ms"));
    expect(() => clock.stop(ms)).toThrow(refusal("ms"));
    expect([time.now, clock.monotonic(), clock.isAwake]).toEqual([0, 0, true]);
  });

  it.for([Number.NaN, Infinity, "1" as unknown as number])("steps no clock by %s milliseconds", (ms) => {
    const clock = createVirtualTime().process();
    const before = clock.now();
    expect(() => clock.step(ms)).toThrow(refusal("ms"));
    expect(clock.now()).toBe(before);
  });

  it.for<[option: string, options: object]>([
    ["rate", { rate: 0 }],
    ["rate", { rate: -1 }],
    ["rate", { rate: Number.NaN }],
    ["rate", { rate: Infinity }],
    ["lateMs", { lateMs: 5 }],
    ["late", { late: () => 5 }],
    ["options", []],
  ])("has no process whose %s it cannot use", ([option, options]) => {
    expect(() => createVirtualTime().process(options)).toThrow(refusal(option));
  });

  it("arms no timer at no time, nor one that fires before it is due", async () => {
    const time = createVirtualTime();
    const fired: string[] = [];
    const early = time.process({ lateMs: () => -1 });
    expect(() => early.setTimeout(() => fired.push("early"), 10)).toThrow(refusal("lateMs"));
    for (const clock of [time.process(), time.clock])
      expect(() => clock.setTimeout(() => fired.push("never"), Number.NaN)).toThrow(refusal("delayMs"));
    await time.advance(100);
    expect(fired).toEqual([]);
  });

  it("asks nothing that is no function, and takes no choice that there is not", async () => {
    const no = 5 as unknown as () => number;
    expect(() => createVirtualTime(no)).toThrow(refusal("pick"));
    await expect(createVirtualTime().advance(1, no)).rejects.toEqual(refusal("observe"));
    const time = createVirtualTime((count) => count);
    for (const ms of [5, 5]) time.after(ms, () => {});
    await expect(time.advance(10)).rejects.toEqual(refusal("pick"));
  });
});

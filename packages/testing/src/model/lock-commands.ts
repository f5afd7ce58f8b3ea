import * as fc from "fast-check";
import { type LockModel } from "./lock-model.ts";
import type { LockWorld } from "./lock-world.ts";

/** One command on the locks of two processes, and on their model. */
export type LockCommand = fc.AsyncCommand<LockModel, LockWorld>;

interface Definition<Data> {
  readonly name: string;
  readonly data: fc.Arbitrary<Data>;
  isPossible?(model: LockModel): boolean;
  run(model: LockModel, world: LockWorld, data: Data): Promise<void> | void;
}

function define<Data>({
  name,
  data: arbitrary,
  isPossible,
  run,
}: Definition<Data>): fc.Arbitrary<LockCommand> {
  return arbitrary.map((data) => ({
    check: (model) => isPossible?.(model as LockModel) ?? true,
    async run(model, world) {
      model.step++;
      await run(model, world, data);
      model.advance(1);
      await world.time.advance(1);
      const faults = [...model.check(world.see())];
      // However long a renewal takes, there is never another beside it (simstudioai/sim#4286).
      if (world.leases.renewals.mostInFlight > 1) faults.push("B50 two renewals of one lock are in flight");
      if (faults.length > 0) throw new Error(faults.join("\n"));
    },
    toString: () => (data === undefined ? name : `${name} ${JSON.stringify(data)}`),
  }));
}

const acquire = define({
  name: "acquire",
  data: fc.record({
    process: fc.nat(1),
    lock: fc.constantFrom("a", "a", "b"),
    waitMs: fc.constantFrom(0, 5_003, 90_007),
  }),
  run(model, world, { process, lock, waitMs }) {
    const id = `lock ${model.step}`;
    model.request(id, process, lock, waitMs);
    world.request(id, process, lock, waitMs);
  },
});

const release = define({
  name: "release",
  data: fc.nat(9),
  isPossible: (model) => model.held.length > 0,
  run(model, world, index) {
    const lock = model.held[index % model.held.length]!;
    world.release(lock.id);
    model.release(lock);
  },
});

const advance = define({
  name: "advance",
  data: fc.constantFrom(100, 1_000, 5_000, 10_000, 21_000, 45_000, 60_000, 120_000),
  async run(model, world, ms) {
    model.advance(ms);
    await world.time.advance(ms);
  },
});

const leases = define({
  name: "leases",
  data: fc.constantFrom("none", "fails", "hangs", "refuses"),
  run(model, world, fault) {
    model.setFault(fault);
    world.fault = fault;
  },
});

const crash = define({
  name: "crash",
  data: fc.nat(1),
  async run(model, world, process) {
    model.crash(process);
    await world.crash(process);
  },
});

/** Commands on the locks of two processes, as `fc.commands` takes them. */
export const lockCommandKinds: readonly fc.Arbitrary<LockCommand>[] = [
  acquire,
  acquire,
  release,
  advance,
  advance,
  leases,
  crash,
];

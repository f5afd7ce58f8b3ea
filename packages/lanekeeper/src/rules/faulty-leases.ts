import type { LeaseStore } from "../store/leases.ts";
import { memoryLeases } from "../store/memory-leases.ts";
import type { SimulatedClock } from "../time/simulated-clock.ts";

type Command = "acquire" | "renew" | "release";

/** Leases on a simulated clock that do to a command what the test says. */
export interface FaultyLeases extends LeaseStore {
  /** Every command, as `type owner`. */
  readonly asked: readonly { readonly type: Command; readonly owner: string }[];
  /**
   * From now on this becomes of it: it fails, or with this very error; it never arrives; it arrives when the test says so;
   * it is done and its answer is kept until `answer`; the store says that it is not the owner.
   */
  readonly faults: Partial<
    Record<Command, "fails" | Error | "hangs" | "arrives-late" | "waits" | "disowns" | undefined>
  >;
  isClosed: boolean;
  /** Lets every command arrive that is late. */
  arrive(): void;
  /** Gives every answer that was kept. */
  answer(): void;
}

/** Leases in memory with faults. */
export function faultyLeases(clock: SimulatedClock): FaultyLeases {
  const leases = memoryLeases(() => clock);
  const asked: { type: Command; owner: string }[] = [];
  const late: (() => void)[] = [];
  const kept: (() => void)[] = [];
  const carryOut = async <T>(type: Command, owner: string, act: () => Promise<T>): Promise<T> => {
    asked.push({ type, owner });
    const fault = faulty.faults[type];
    if (fault === "fails") throw new Error("the lease store is down");
    if (fault instanceof Error) throw fault;
    if (fault === "hangs") return new Promise<never>(() => {});
    if (fault === "disowns") return false as T;
    if (fault === "arrives-late") await new Promise<void>((resolve) => late.push(resolve));
    const answer = await act();
    if (fault === "waits") await new Promise<void>((resolve) => kept.push(resolve));
    return answer;
  };
  const faulty: FaultyLeases = {
    asked,
    faults: {},
    isClosed: false,
    arrive() {
      for (const go of late.splice(0)) go();
    },
    answer() {
      for (const give of kept.splice(0)) give();
    },
    acquire: (name, owner, ttlMs) => carryOut("acquire", owner, () => leases.acquire(name, owner, ttlMs)),
    renew: (name, owner, token, ttlMs) =>
      carryOut("renew", owner, () => leases.renew(name, owner, token, ttlMs)),
    release: (name, owner, token) => carryOut("release", owner, () => leases.release(name, owner, token)),
    watch: (name, released) => leases.watch!(name, released),
    async close() {
      faulty.isClosed = true;
      await leases.close();
    },
  };
  return faulty;
}

import type { Clock } from "../time/clock.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import { invalidOption } from "../keeper/option-faults.ts";
import type { LeaseStore } from "./leases.ts";

interface Lease {
  readonly owner: string;
  readonly token: bigint;
  expiresAt: number;
}

/**
 * Leases in this process's memory, on the monotonic time of the clock that `clock` gives. Tokens survive expiry and release.
 * Throws `INVALID_OPTION`.
 */
export function memoryLeases(clock: () => Clock): LeaseStore {
  if (typeof clock !== "function")
    throw invalidOption(
      "clock",
      clock,
      "a function that gives a clock, such as () => clock",
      "What memoryLeases is given",
    );
  const leases = new Map<string, Lease>();
  const tokens = new Map<string, bigint>();
  const watchers = new Map<string, Set<() => void>>();
  let isClosed = false;

  const holder = (name: string): Lease | undefined => {
    const lease = leases.get(name);
    return lease !== undefined && lease.expiresAt > clock().monotonic() ? lease : undefined;
  };
  const assertOpen = (): void => {
    if (isClosed) throw new LanekeeperError("CLOSED", "These leases are closed. Create new ones.");
  };

  return {
    async acquire(name, owner, ttlMs) {
      assertOpen();
      const now = clock().monotonic();
      const current = holder(name);
      if (current !== undefined && current.owner !== owner) {
        return { acquired: false, owner: current.owner, expiresInMs: current.expiresAt - now };
      }
      if (current !== undefined) {
        current.expiresAt = now + ttlMs;
        return { acquired: true, token: current.token };
      }
      const token = (tokens.get(name) ?? 0n) + 1n;
      tokens.set(name, token);
      leases.set(name, { owner, token, expiresAt: now + ttlMs });
      return { acquired: true, token };
    },
    async renew(name, owner, token, ttlMs) {
      assertOpen();
      const current = holder(name);
      if (current === undefined || current.owner !== owner || current.token !== token) return false;
      current.expiresAt = clock().monotonic() + ttlMs;
      return true;
    },
    async release(name, owner, token) {
      assertOpen();
      const current = holder(name);
      if (current === undefined || current.owner !== owner) return false;
      if (token !== undefined && current.token !== token) return false;
      leases.delete(name);
      for (const released of [...(watchers.get(name) ?? [])]) released();
      return true;
    },
    watch(name, released) {
      assertOpen();
      const listeners = watchers.get(name) ?? new Set();
      const listener = (): void => released();
      watchers.set(name, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) watchers.delete(name);
      };
    },
    async close() {
      isClosed = true;
      watchers.clear();
    },
  };
}

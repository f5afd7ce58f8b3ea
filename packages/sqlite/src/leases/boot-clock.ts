import { readFileSync } from "node:fs";

/**
 * Time since the machine started, the same for all its processes, which nobody can set.
 *
 * Lease files count on it because a wall clock can be stepped while a lease runs. It begins again with the machine, so an
 * instant means something only together with the boot it is of.
 */
export interface BootClock {
  /** Names the boot. The empty text where the system has no name for it: then only time that went back tells of another. */
  readonly bootId: string;
  /** Milliseconds since the boot, with fractions. */
  sinceBootMs(): number;
}

/**
 * The machine's own: `process.hrtime`, which is CLOCK_MONOTONIC on Linux, the continuous time of macOS and the performance
 * counter of Windows. On Linux it stands still while the machine sleeps, as all that hold leases of a file do, and unlike
 * `/proc/uptime` it is the same in every container.
 */
export const machineBootClock = (): BootClock => ({
  bootId: readBootId(),
  sinceBootMs: () => Number(process.hrtime.bigint()) / 1e6,
});

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // No Linux.
    return "";
  }
}

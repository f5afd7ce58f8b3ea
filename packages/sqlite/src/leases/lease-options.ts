import { resolve } from "node:path";
import type { LanekeeperError } from "lanekeeper";
import { assertKnownOptions, assertTimeOptions, invalidOption } from "lanekeeper/ports";
import { checkPath } from "../file-path.ts";
import type { BootClock } from "./boot-clock.ts";
import type { SqliteLeasesOptions } from "./sqlite-leases.ts";

const mostMs = 2_147_483_647;
const leastBytes = 1_048_576;
const optionNames = [
  "timeoutMs",
  "maxBytes",
  "clock",
  "bootClock",
  "random",
] as const satisfies readonly (keyof SqliteLeasesOptions)[];

/** Where a lease file is, and how it is used. */
export interface LeaseFileSettings {
  /** Absolute: what the process does with its working folder later changes nothing. */
  readonly path: string;
  readonly timeoutMs: number;
  readonly maxBytes: number | undefined;
}

/** Checks a lease file's path and options. Throws `INVALID_OPTION`. */
export function checkLeaseOptions(given: unknown, options: SqliteLeasesOptions): LeaseFileSettings {
  const path = resolve(
    checkPath("sqliteLeases", given, "a keeper that is given no leases has locks of its own"),
  );
  assertKnownOptions("sqliteLeases", options, optionNames);
  assertTimeOptions("sqliteLeases", options);
  const { timeoutMs = 2_000, maxBytes, bootClock } = options;
  if (!(timeoutMs >= 1 && timeoutMs <= mostMs))
    throw invalid("timeoutMs", timeoutMs, `milliseconds from 1 to ${mostMs}`);
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastBytes))
    throw invalid("maxBytes", maxBytes, `a whole number of bytes, at least ${leastBytes}`);
  if (bootClock !== undefined && !isBootClock(bootClock))
    throw invalid(
      "bootClock",
      bootClock,
      "{ bootId, sinceBootMs() }: the boot's name as a text, and milliseconds since then",
    );
  return { path, timeoutMs, maxBytes };
}

/** Whether something is one, and tells a time. */
function isBootClock(given: unknown): boolean {
  if (typeof given !== "object" || given === null) return false;
  const { bootId, sinceBootMs } = given as Partial<BootClock>;
  if (typeof bootId !== "string" || typeof sinceBootMs !== "function") return false;
  const now: unknown = (given as BootClock).sinceBootMs();
  return Number.isFinite(now) && Number(now) >= 0;
}

function invalid(option: string, got: unknown, takes: string): LanekeeperError {
  return invalidOption(option, got, takes, `The option ${option} of sqliteLeases`);
}

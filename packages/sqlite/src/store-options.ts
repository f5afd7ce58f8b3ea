import type { LanekeeperError } from "lanekeeper";
import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import type { FileSettings } from "./database-file.ts";
import { checkPath } from "./file-path.ts";

/** How a store keeps what it accepts. */
export interface SqliteStoreOptions {
  /**
   * `full` (default): what was answered is on disk, and survives the loss of power. `normal`: it survives the end of the
   * process, however that comes, but the last moments may be lost with the machine.
   */
  readonly durability?: "full" | "normal" | undefined;
  /** The most the file may grow to, in bytes, at least 1 MiB; beyond, the store is full (`STORE_UNAVAILABLE`). Default: no limit. */
  readonly maxBytes?: number | undefined;
  /** About how many bytes of memory sessions may take beside those in use; what was dropped is read again. Default 128 MiB. */
  readonly memoryBytes?: number | undefined;
}

/** A store's options, checked and completed. */
export interface StoreSettings extends FileSettings {
  readonly memoryBytes: number;
}

const leastBytes = 1_048_576;
const usualMemoryBytes = 128 * 1_048_576;

const optionNames = [
  "durability",
  "maxBytes",
  "memoryBytes",
] as const satisfies readonly (keyof SqliteStoreOptions)[];

/** Checks a store's path and options. Throws `INVALID_OPTION`. */
export function checkOptions(path: unknown, options: SqliteStoreOptions): StoreSettings {
  checkPath("sqliteStore", path, "for a store in memory use memoryStore() of lanekeeper");
  assertKnownOptions("sqliteStore", options, optionNames);
  const { durability = "full", maxBytes, memoryBytes = usualMemoryBytes } = options;
  if (durability !== "full" && durability !== "normal")
    throw invalid("durability", durability, '"full" or "normal"');
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastBytes))
    throw invalid("maxBytes", maxBytes, `a whole number of bytes, at least ${leastBytes}`);
  if (!(Number.isSafeInteger(memoryBytes) && memoryBytes >= 0))
    throw invalid("memoryBytes", memoryBytes, "a whole number of bytes, 0 or more");
  return { durability, maxBytes, memoryBytes };
}

function invalid(option: string, value: unknown, takes: string): LanekeeperError {
  return invalidOption(option, value, takes, `The option ${option} of sqliteStore`);
}

import { LanekeeperError } from "lanekeeper";
import type { FileSettings } from "./database-file.ts";

/** How a store keeps what it accepts. */
export interface SqliteStoreOptions {
  /**
   * `full` (default): what was answered is on disk, and survives the loss of power. `normal`: it survives the end of the
   * process, however that comes, but the last moments may be lost with the machine.
   */
  readonly durability?: "full" | "normal" | undefined;
  /** The most the file may grow to, in bytes, at least 1 MiB; beyond, the store is full (`STORE_UNAVAILABLE`). Default: no limit. */
  readonly maxBytes?: number | undefined;
  /** About how many bytes of memory sessions may take beside those in use; what was dropped is read again. Default 32 MiB. */
  readonly memoryBytes?: number | undefined;
}

/** A store's options, checked and completed. */
export interface StoreSettings extends FileSettings {
  readonly memoryBytes: number;
}

const leastBytes = 1_048_576;
const usualMemoryBytes = 32 * 1_048_576;

/** Checks a store's path and options. Throws `INVALID_OPTION`. */
export function checkOptions(path: unknown, options: SqliteStoreOptions): StoreSettings {
  if (typeof path !== "string" || path === "" || path.includes("\0") || path === ":memory:")
    throw invalid("path", path, "the path of a file; use memoryStore() for one in memory");
  if (typeof options !== "object" || options === null) throw invalid("options", options, "an object");
  const { durability = "full", maxBytes, memoryBytes = usualMemoryBytes, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(unknown, unknown, "durability, maxBytes or memoryBytes");
  if (durability !== "full" && durability !== "normal")
    throw invalid("durability", durability, '"full" or "normal"');
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastBytes))
    throw invalid("maxBytes", maxBytes, `a whole number of bytes, at least ${leastBytes}`);
  if (!(Number.isSafeInteger(memoryBytes) && memoryBytes >= 0))
    throw invalid("memoryBytes", memoryBytes, "a whole number of bytes");
  return { durability, maxBytes, memoryBytes };
}

function invalid(option: string, value: unknown, expected: string): LanekeeperError {
  const given = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new LanekeeperError("INVALID_OPTION", `${option} must be ${expected}; got ${given}.`, {
    option,
    value,
  });
}

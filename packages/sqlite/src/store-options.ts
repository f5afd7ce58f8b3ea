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
}

const leastBytes = 1_048_576;

/** Checks a store's path and options. Throws `INVALID_OPTION`. */
export function checkOptions(path: unknown, options: SqliteStoreOptions): FileSettings {
  if (typeof path !== "string" || path === "" || path.includes("\0") || path === ":memory:")
    throw invalid("path", path, "the path of a file; use memoryStore() for one in memory");
  if (typeof options !== "object" || options === null) throw invalid("options", options, "an object");
  const { durability = "full", maxBytes, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(unknown, unknown, "durability or maxBytes");
  if (durability !== "full" && durability !== "normal") throw invalid("durability", durability, '"full" or "normal"');
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastBytes))
    throw invalid("maxBytes", maxBytes, `a whole number of bytes, at least ${leastBytes}`);
  return { durability, maxBytes };
}

function invalid(option: string, value: unknown, expected: string): LanekeeperError {
  const given = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new LanekeeperError("INVALID_OPTION", `${option} must be ${expected}; got ${given}.`, { option, value });
}

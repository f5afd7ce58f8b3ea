import { readFile } from "node:fs/promises";
import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";
import { parseRecording } from "./parsing.ts";
import type { Recording } from "./recording.ts";

/**
 * Reads a file that `recordToFile` has written, also of a process that died while it wrote. Rejects with `RECORDING_INVALID`
 * for a file that cannot be read, is no recording, is of a newer format or was damaged.
 */
export async function readRecording(path: string): Promise<Recording> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new LanekeeperError(
      "RECORDING_INVALID",
      `${path} cannot be read: ${messageOf(toError(error))}. Give the path of a file that recordToFile has written.`,
      { path },
      { cause: error },
    );
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return parseRecording(lines, path);
}

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A command line that prints one line of text and ends. */
export interface QuickCommand {
  readonly command: string;
  args(text: string): readonly string[];
}

/** The quickest program of this machine that prints its argument: `echo` from the path, else Node itself. */
export function findQuickCommand(searchPath: string = process.env["PATH"] ?? ""): QuickCommand {
  const echo = searchPath
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "echo"))
    .find(isExecutable);
  if (echo !== undefined) return { command: echo, args: (text) => [text] };
  return { command: process.execPath, args: (text) => ["--print", JSON.stringify(text)] };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** The options of a command of the repository; what it does not know ends it with exit code 2, and its help. */
export function readOptions<T extends ParseArgsOptionsConfig>(
  options: T,
  help: string,
): ReturnType<typeof parseArgs<{ options: T }>>["values"] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    process.exit(2);
  }
}

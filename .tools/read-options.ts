import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/**
 * The options of a script of the repository. `--help` prints its help and ends it; what it does not know ends it with exit
 * code 2 and one line.
 */
export function readOptions<T extends ParseArgsOptionsConfig>(
  options: T,
  help: string,
): ReturnType<typeof parseArgs<{ options: T }>>["values"] {
  if (process.argv.includes("--help")) {
    process.stdout.write(help);
    process.exit();
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    // Node goes on with how to write a file's name that looks like an option; no script takes any.
    const [reason] = (error as Error).message.split(/\. |\n/);
    process.stderr.write(`${reason}; --help says what there is.\n`);
    process.exit(2);
  }
}

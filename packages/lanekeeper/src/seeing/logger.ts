/** Where log lines go: anything with pino's `debug/info/warn/error(fields, message)`. */
export interface Logger {
  /** Details for whoever debugs Lanekeeper itself. */
  debug(fields: object, message: string): void;
  /** What happens in normal operation. */
  info(fields: object, message: string): void;
  /** What an operator may want to look at. */
  warn(fields: object, message: string): void;
  /** What an operator must look at. */
  error(fields: object, message: string): void;
}

/** Writes warnings and errors as JSON lines to stderr; the default. */
export const stderrLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (fields, message) => write("warn", fields, message),
  error: (fields, message) => write("error", fields, message),
};

function write(level: string, fields: object, message: string): void {
  const line = { level, time: new Date().toISOString(), message, ...fields };
  process.stderr.write(`${JSON.stringify(line, plain)}\n`);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
  return value;
}

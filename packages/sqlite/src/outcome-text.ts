import { LanekeeperError, type LanekeeperErrorCode, type Outcome, PermanentError } from "lanekeeper";

/** An error as a row keeps it. */
interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: unknown;
  readonly details?: unknown;
}

/** An outcome as JSON can say it: an error by its name, message, code and stack. */
export function toPlainOutcome(outcome: Outcome): unknown {
  if (outcome.status === "failed") return { ...outcome, error: factsOf(outcome.error) };
  return outcome.status === "completed" ? { ...outcome, reply: toPlainReply(outcome.reply) } : outcome;
}

/** The keeper leaves out what does not survive JSON; another caller's is left out here. */
function toPlainReply(reply: unknown): unknown {
  try {
    JSON.stringify(reply);
    return reply;
  } catch {
    return undefined;
  }
}

/** An outcome as it was, with an error of the same kind, name, message, code and stack. */
export function fromPlainOutcome(plain: unknown): Outcome {
  const outcome = plain as Outcome;
  if (outcome.status === "failed") return { ...outcome, error: toError(outcome.error) };
  // JSON has no undefined: a turn that replied nothing.
  if (outcome.status === "completed" && !("reply" in outcome)) {
    const { turnId, attempts } = outcome as Extract<Outcome, { status: "completed" }>;
    return { status: "completed", turnId, reply: undefined, attempts };
  }
  return outcome;
}

function factsOf(error: Error): ErrorFacts {
  const text = (read: () => unknown): string => {
    try {
      return String(read());
    } catch {
      return "an error that cannot be read";
    }
  };
  const { code, details } = error as { readonly code?: unknown; readonly details?: unknown };
  return {
    name: text(() => error.name),
    message: text(() => error.message),
    stack: text(() => error.stack),
    code: typeof code === "string" || typeof code === "number" ? code : undefined,
    details: error instanceof LanekeeperError ? toPlainDetails(details) : undefined,
  };
}

function toPlainDetails(details: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(details)) as unknown;
  } catch {
    return {};
  }
}

function toError({ name, message, stack, code, details }: ErrorFacts): Error {
  const error = revive(name, message, code, details);
  const facts = code === undefined || error instanceof LanekeeperError ? { stack } : { stack, code };
  for (const [key, value] of Object.entries(facts))
    Object.defineProperty(error, key, {
      value,
      configurable: true,
      writable: true,
      enumerable: key === "code",
    });
  return error;
}

function revive(name: string, message: string, code: unknown, details: unknown): Error {
  if (name === "LanekeeperError" && typeof code === "string")
    return new LanekeeperError(
      code as LanekeeperErrorCode,
      message,
      (details ?? {}) as Record<string, unknown>,
    );
  if (name === "PermanentError") return new PermanentError(message);
  const error = new Error(message);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true });
  return error;
}

import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import { assertSpan } from "./span.ts";

/** What every script may say of a call. */
interface AnyFate {
  readonly fault?: string | undefined;
}

/**
 * Checks what a script says becomes of a call: spans of time, one of the faults there are, and what `own` names and whoever
 * asks checks. Throws `INVALID_OPTION`.
 */
export function assertFate(
  fate: AnyFate,
  spans: readonly string[],
  faults: readonly string[],
  own: readonly string[] = [],
): void {
  assertKnownOptions("a fate", fate, [...spans, "fault", ...own]);
  for (const span of spans) assertSpan(span, (fate as Readonly<Record<string, unknown>>)[span] ?? 0);
  const { fault } = fate;
  if (fault !== undefined && !faults.includes(fault))
    throw invalidOption("fault", fault, `one of ${faults.join(", ")}`);
}

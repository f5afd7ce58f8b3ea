import { toError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";
import { reapMs, withDeadline } from "./process-deadlines.ts";
import type { StartedProcess } from "./processes.ts";
import type { ExecutionRecord } from "../store/store.ts";

/** Milliseconds between two looks at whether somebody else's child has ended: the system does not tell. */
const lookMs = 20;
/** Milliseconds the system has to find a process. */
const findDeadlineMs = 10_000;

/**
 * Ends the group of a command that ran when its keeper died, if it is still that command's: SIGTERM, then SIGKILL after the
 * keeper's own `exec.killGraceMs` (B37). One of which only the id is known may have been started all the same. Resolves when nobody of it is left, at the latest some seconds after SIGKILL.
 */
export async function endOrphan(
  runtime: Runtime,
  { execId, process }: Pick<ExecutionRecord, "execId" | "process">,
): Promise<void> {
  const { settings, deadlines, journal, passages } = runtime;
  const { processes } = settings;
  const { through } = passages;

  const isGoneWithin = async (found: StartedProcess, limitMs: number): Promise<boolean> => {
    for (let waitedMs = 0; ; waitedMs += lookMs) {
      // It only asks whether anybody is left.
      if (!found.kill("SIGCONT")) return true;
      if (waitedMs >= limitMs) return false;
      await through(new Promise<void>((resolve) => void deadlines.arm(lookMs, resolve)));
    }
  };

  try {
    const finding = process === undefined ? processes.findStarted?.(execId) : processes.find?.(process);
    if (finding === undefined) return;
    const found = await through(withDeadline(runtime, findDeadlineMs, finding, () => {}));
    if (found === undefined || !found.kill("SIGTERM")) return;
    if (await through(isGoneWithin(found, settings.exec.killGraceMs))) return;
    found.kill("SIGKILL");
    await through(isGoneWithin(found, reapMs));
  } catch (error) {
    const message = "The process of a command that was lost could not be looked for; it may still run.";
    journal.warn(`orphan:${execId}`, { execId, ...process, error: toError(error) }, message);
  }
}

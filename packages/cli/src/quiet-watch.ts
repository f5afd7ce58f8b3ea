import type { Clock } from "lanekeeper";

/** Notices that nothing happens any more. */
export interface QuietWatch {
  /** Aborts once nothing was recorded for the limit although something was expected. */
  readonly signal: AbortSignal;
  stop(): void;
}

/** Looks at a counter of activity each `limitMs` on the given clock. */
export function createQuietWatch(options: {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly activity: () => number;
  /** Whether silence is as it should be. */
  readonly isQuietExpected: () => boolean;
}): QuietWatch {
  const { clock } = options;
  const quiet = new AbortController();
  let lastActivity = options.activity();
  let timer = clock.setTimeout(look, options.limitMs);

  function look(): void {
    const activity = options.activity();
    if (activity === lastActivity && !options.isQuietExpected()) {
      quiet.abort();
      return;
    }
    lastActivity = activity;
    timer = clock.setTimeout(look, options.limitMs);
  }

  return { signal: quiet.signal, stop: () => clock.clearTimeout(timer) };
}

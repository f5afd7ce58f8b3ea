import { charts, type Mutant, rules, units } from "./mutant.ts";

/** Heartbeats (B9, B43–B48). */
export const heartbeatMutants: readonly Mutant[] = [
  {
    name: "heartbeat-before-events",
    rules: ["B9", "B48"],
    change: "a heartbeat that is due starts where events would start a turn by themselves",
    file: "packages/lanekeeper/src/turns/selection.ts",
    find: `  if (events.some((event) => event.wakes)) {`,
    replace: `  if (heartbeat === undefined && events.some((event) => event.wakes)) {`,
    kills: [...rules("heartbeat-deferral"), ...units("turns/selection")],
  },
  {
    name: "next-time-from-the-last-run",
    rules: ["B43"],
    change: "the next time is everyMs after the last look, so that a slow heartbeat drifts",
    file: "machines/heartbeat-runner/heartbeat-schedule.ts",
    find: `  const { everyMs, phaseMs } = schedule;
  const since = (((at - phaseMs) % everyMs) + everyMs) % everyMs;
  return at - since + everyMs;`,
    replace: `  return at + schedule.everyMs;`,
    kills: [...rules("heartbeat-schedule"), ...charts("heartbeat-runner/heartbeat-schedule")],
  },
  {
    name: "turned-on-by-a-restart",
    rules: ["B43"],
    change: "heartbeats that were turned off are on again for a later keeper on the same store",
    file: "packages/lanekeeper/src/heartbeats/heartbeats.ts",
    find: `new Runner(heartbeat, state?.isEnabled ?? true)`,
    replace: `new Runner(heartbeat, true)`,
    kills: rules("heartbeat-control"),
  },
  {
    name: "early-timer-starts-a-heartbeat",
    rules: ["B43"],
    change: "after a step back of the clock a heartbeat starts before its time",
    file: "machines/heartbeat-runner/heartbeat-runner.logic.ts",
    find: `  const dueAt = context.retryAt ?? context.nextAt;`,
    replace: `  const dueAt = context.retryAt;`,
    kills: [...rules("heartbeat-schedule"), ...charts("heartbeat-runner/heartbeat-runner.logic")],
  },
  {
    name: "no-hours-over-midnight-set-back",
    rules: ["B44"],
    change: "hours that begin at midnight begin late on the day whose clock is set back over midnight",
    file: "packages/lanekeeper/src/heartbeats/active-hours.ts",
    find: `  return [today - dayMs, today, today + dayMs].some(`,
    replace: `  return [today - dayMs, today].some(`,
    kills: units("heartbeats/active-hours"),
  },
  {
    name: "skipped-hour-never-reached",
    rules: ["B44"],
    change: "a start that falls into the hour a day skips comes when that hour would have been over",
    file: "packages/lanekeeper/src/heartbeats/active-hours.ts",
    find: `  // Skipped: reached when the clock is put forward.
  let [low, high] = [early, late];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timezone, middle) === before) low = middle;
    else high = middle;
  }
  return high;`,
    replace: `  return late;`,
    kills: units("heartbeats/active-hours"),
  },
  {
    name: "hours-asked-only-when-due",
    rules: ["B44"],
    change: "a heartbeat that waited until its active hours were over starts all the same",
    file: "packages/lanekeeper/src/heartbeats/heartbeats.ts",
    find: `      if (isActive(runner.settings.activeHours, clock.now())) return dueOf(runner);
      runner.isDue = false;
      refuse(runner, "quiet-hours");
      return undefined;`,
    replace: `      return dueOf(runner);`,
    also: [
      {
        file: "packages/lanekeeper/src/heartbeats/heartbeats.ts",
        find: `import { isActive } from "./active-hours.ts";
`,
        replace: "",
      },
    ],
    kills: rules("heartbeat-schedule"),
  },
  {
    name: "turns-of-its-commands-not-spaced",
    rules: ["B45", "B39"],
    change: "turns that a heartbeat's commands caused do not count as its starts",
    file: "machines/heartbeat-runner/heartbeat-runner.machine.ts",
    find: `      actions: [{ type: "recordInherited", params: ({ event }) => event }, "saveStarts"],
    },`,
    replace: `      actions: "saveStarts",
    },`,
    kills: [...rules("heartbeat-origin"), ...charts("heartbeat-runner/heartbeat-runner.machine")],
  },
  {
    name: "starts-not-kept",
    rules: ["B45"],
    change: "spacing is forgotten by a restart",
    file: "machines/heartbeat-runner/heartbeat-runner.machine.ts",
    find: `            "turn.started": {
              target: "running",
              actions: [{ type: "recordStart", params: ({ event }) => event }, "saveStarts"],
            },`,
    replace: `            "turn.started": {
              target: "running",
              actions: { type: "recordStart", params: ({ event }) => event },
            },`,
    kills: [...rules("heartbeat-schedule"), ...charts("heartbeat-runner/heartbeat-runner.machine")],
  },
  {
    name: "heartbeat-retried-for-ever",
    rules: ["B46", "B31"],
    change: "the retries of a failed heartbeat are not counted",
    file: "machines/heartbeat-runner/heartbeat-runner.logic.ts",
    find: `    if (mayRetry) draft.retries += 1;
`,
    replace: "",
    kills: [...rules("heartbeat-schedule"), ...charts("heartbeat-runner/heartbeat-runner.logic")],
  },
  {
    name: "retry-within-the-spacing",
    rules: ["B46", "B45"],
    change: "a failed heartbeat is tried again after its backoff, however close that is to its start",
    file: "machines/heartbeat-runner/heartbeat-schedule.ts",
    find: `  return Math.max(at + backoff, last`,
    replace: `  return Math.min(at + backoff, last`,
    kills: [...rules("heartbeat-schedule"), ...charts("heartbeat-runner/heartbeat-schedule")],
  },
  {
    name: "background-message-preempts",
    rules: ["B47"],
    change: "a message of priority background aborts a heartbeat's turn too",
    file: "machines/session-lane/session-lane.logic.ts",
    find: `(context.mailbox.pressing && isGivingWay(context))`,
    replace: `(context.mailbox.messages > 0 && isGivingWay(context))`,
    kills: [
      ...rules("heartbeat-deferral", "heartbeat-races"),
      ...charts("session-lane/session-lane.heartbeat"),
    ],
  },
  {
    name: "heartbeat-swallows-its-events",
    rules: ["B48", "B31a"],
    change: "a heartbeat that fails for good takes the events along that merely rode in it",
    file: "packages/lanekeeper/src/turns/verdict.ts",
    find: `  const isRider = turn.cause === "message" || turn.cause === "heartbeat";`,
    replace: `  const isRider = turn.cause === "message";`,
    kills: rules("heartbeat-deferral"),
  },
  {
    name: "heartbeat-waits-for-the-resume",
    rules: ["B59a", "B41"],
    change: "a heartbeat that is due in a pause waits for its end instead of being skipped",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `            { guard: "isPaused", target: "paused", actions: "forgetHeartbeat" },`,
    replace: `            { guard: "isPaused", target: "paused" },`,
    kills: [...rules("heartbeat-deferral", "pause"), ...charts("session-lane/session-lane.heartbeat")],
  },
  {
    name: "heartbeat-not-heard-in-a-pause",
    rules: ["B59a", "B41"],
    change: "a heartbeat that comes due while its lane is paused with work is kept, and not skipped",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `            "heartbeat.due": { target: "choosing", actions: "recordHeartbeat" },
`,
    replace: "",
    kills: [
      ...rules("heartbeat-control", "heartbeat-deferral"),
      ...charts("session-lane/session-lane.heartbeat"),
    ],
  },
  {
    name: "reclaimed-heartbeat-is-retried",
    rules: ["B46", "B1"],
    change: "a heartbeat that was reclaimed is tried again like one that failed",
    file: "machines/heartbeat-runner/heartbeat-runner.logic.ts",
    find: `  if (!isOutcomeOpen(context) || context.abort === "closed") return recordEnd(context, params);
  return produce(context, (draft) => {
    draft.last = { status: "failed", at: params.at, error: codeOf(context.abort), retryAt: null };
    draft.abort = null;
  });`,
    replace: `  if (!isOutcomeOpen(context) || context.abort === "closed") return recordEnd(context, params);
  return recordFailure(context, { at: params.at, error: codeOf(context.abort) });`,
    kills: [...rules("heartbeat-schedule"), ...charts("heartbeat-runner/heartbeat-runner.logic")],
  },
  {
    name: "completion-wakes-beside-a-due-heartbeat",
    rules: ["B39"],
    change:
      "a completion of heartbeat origin wakes its session while a heartbeat's turn is being opened there",
    file: "packages/lanekeeper/src/heartbeats/completion-spacing.ts",
    find: `      return !isDue;`,
    replace: `      return true;`,
    kills: rules("heartbeat-origin"),
  },
];

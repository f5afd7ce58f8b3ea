import { crossing, type Mutant, rules, units } from "./mutant.ts";

/** Commands and their completions, wakes, resets, recovery (B34–B42). */
export const routingMutants: readonly Mutant[] = [
  {
    name: "report-believed-about-its-session",
    rules: ["B34"],
    change: "a report that names another session sends the completion there",
    file: "packages/lanekeeper/src/keeper/open-lanekeeper.ts",
    find: `    if (known !== undefined && known.sessionKey !== sessionKey) {
      return completions.refuse(execId, sessionKey, "session-mismatch");
    }
`,
    replace: "",
    also: [
      {
        file: "packages/lanekeeper/src/keeper/open-lanekeeper.ts",
        find: `    const record = known ?? {`,
        replace: `    const record = (known?.sessionKey === sessionKey ? known : undefined) ?? {`,
      },
    ],
    kills: [...rules("completions"), ...crossing("incidents/exec-in-the-wrong-queue")],
  },
  {
    name: "exec-id-forgotten-with-the-dedupe",
    rules: ["B35"],
    change: "a command that is reported again after dedupeMs is accepted again",
    file: "packages/lanekeeper/src/store/mailbox-completing.ts",
    find: `  if (executions.get(execId)?.state === "completed") return { status: "duplicate" };
`,
    replace: "",
    kills: [...crossing("conformance/mailbox-store"), ...rules("completions")],
  },
  {
    name: "completion-of-an-earlier-incarnation-accepted",
    rules: ["B36"],
    change: "a command that a reset left running wakes the new incarnation",
    file: "packages/lanekeeper/src/store/mailbox-completing.ts",
    find: `  if (incarnation !== current) {`,
    replace: `  if (incarnation > current) {`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("reset", "completions")],
  },
  {
    name: "incarnation-not-bumped",
    rules: ["B36"],
    change: "a reset leaves the session its incarnation",
    file: "packages/lanekeeper/src/store/mailbox-settling.ts",
    find: `  session.incarnation = ++state.counter;
`,
    replace: "",
    kills: [...crossing("conformance/mailbox-store"), ...rules("races-reset", "reset")],
  },
  {
    name: "announced-command-lost-at-the-restart",
    rules: ["B37"],
    change: "a command that was announced to an earlier keeper counts as lost at once",
    file: "packages/lanekeeper/src/commands/executions.ts",
    find: `      if (record.state === "running") await lose(record, route);
      else announce(record, Math.max(0, (record.dueAt ?? 0) - settings.clock.now()));`,
    replace: `      await lose(record);`,
    kills: rules("recovery", "completions"),
  },
  {
    name: "orphan-found-by-its-number",
    rules: ["B37"],
    change: "whatever process has the number of a lost command by now is ended for it",
    file: "packages/lanekeeper/src/commands/process-group.ts",
    find: `  if (!members.includes(\`\${pid} \${mark}\`)) return undefined;`,
    replace: `  if (!members.some((member) => member.startsWith(\`\${pid} \`) || member.endsWith(mark))) return undefined;`,
    kills: [...units("commands/process-group"), ...crossing("system/orphans")],
  },
  {
    name: "orphan-left-behind",
    rules: ["B37"],
    change:
      "a command whose keeper was killed, and that SIGTERM does not end, runs on beside what comes next",
    file: "packages/lanekeeper/src/commands/orphans.ts",
    find: `    found.kill("SIGKILL");`,
    replace: `    found.kill("SIGTERM");`,
    kills: [...rules("orphans"), ...crossing("system/orphans")],
  },
  {
    name: "completion-given-up",
    rules: ["B57", "B35"],
    change: "a completion that the store does not take is tried a dozen times and then forgotten",
    file: "packages/lanekeeper/src/commands/completions.ts",
    find: `if (!isUnavailable(error) || host.isClosing()) {`,
    replace: `if (!isUnavailable(error) || failures > 12 || host.isClosing()) {`,
    kills: rules("completions-outage"),
  },
  {
    name: "death-costs-no-attempt",
    rules: ["B30", "B37"],
    change:
      "a turn that died with its process counts for nothing, so that what kills its process does so for ever",
    file: "packages/lanekeeper/src/keeper/recovery.ts",
    find: `conclusion: "crashed", abort: null`,
    replace: `conclusion: "handed-back", abort: null`,
    kills: rules("recovery"),
  },
  {
    name: "sigterm-twice",
    rules: ["B38"],
    change: "a command that does not obey SIGTERM is asked once more instead of killed",
    file: "packages/lanekeeper/src/commands/executions.ts",
    find: `      started.kill("SIGKILL");
      command.wasKilled = true;`,
    replace: `      started.kill("SIGTERM");
      command.wasKilled = true;`,
    kills: rules("commands", "commands-real"),
  },
  {
    name: "timed-out-called-killed",
    rules: ["B38"],
    change: "a command that its time-out ended is reported as killed",
    file: "packages/lanekeeper/src/commands/executions.ts",
    find: `                  ended(state, state.verdict ?? ownStatus, exitCode, signal);`,
    replace: `                  ended(state, signal === null ? (state.verdict ?? ownStatus) : ownStatus, exitCode, signal);`,
    kills: rules("commands", "commands-real"),
  },
  {
    name: "foreground-command-outlives-its-turn",
    rules: ["B38a"],
    change: "a foreground command runs on when its turn is told to stop",
    file: "packages/lanekeeper/src/commands/executions.ts",
    find: `      if (owner?.isForeground === true) owner.turn.whenStopped(() => terminate(state, "killed"));
`,
    replace: "",
    kills: rules("foreground"),
  },
  {
    name: "background-output-counts-as-progress",
    rules: ["B24", "B38a"],
    change: "the output of a background command keeps its turn from stalling",
    file: "packages/lanekeeper/src/commands/executions.ts",
    find: `                if (owner?.isForeground === true && owner.turn.isCurrent) owner.turn.noteProgress();`,
    replace: `                if (owner?.turn.isCurrent === true) owner.turn.noteProgress();`,
    kills: rules("foreground", "progress"),
  },
  {
    name: "one-heartbeat-makes-all-a-heartbeat",
    rules: ["B39"],
    change: "a turn that a person and a heartbeat caused counts as the heartbeat's",
    file: "packages/lanekeeper/src/heartbeats/origin.ts",
    find: `causes.every(({ origin }) => origin === "heartbeat")`,
    replace: `causes.some(({ origin }) => origin === "heartbeat")`,
    kills: units("heartbeats/origin"),
  },
  {
    name: "held-completion-forgotten-at-the-restart",
    rules: ["B39"],
    change: "a completion that waits for the spacing of heartbeats waits for ever after a restart",
    file: "packages/lanekeeper/src/keeper/recovery.ts",
    find: `    if (mailbox.quiet > 0) runtime.heartbeats.spacing.recovered(sessionKey);
`,
    replace: "",
    kills: rules("heartbeat-origin", "recovery"),
  },
  {
    name: "wake-downgraded",
    rules: ["B40"],
    change: "a later wake of lower priority lowers the one that waits",
    file: "packages/lanekeeper/src/lanes/wakes.ts",
    find: `      pending.priority = higherPriority(priority, before);`,
    replace: `      pending.priority = priority;`,
    also: [
      {
        file: "packages/lanekeeper/src/lanes/wakes.ts",
        find: `import { higherPriority, type Priority } from "../dispatch/priority.ts";`,
        replace: `import type { Priority } from "../dispatch/priority.ts";`,
      },
    ],
    kills: rules("wakes"),
  },
  {
    name: "wake-put-off-by-the-next",
    rules: ["B40"],
    change: "each further wake puts the one that waits off again",
    file: "packages/lanekeeper/src/lanes/wakes.ts",
    find: `      const isSooner = settings.clock.monotonic() + coalesceMs < pending.dueMono;
      if (pending.deadline !== undefined && isSooner) arm(sessionKey, pending, coalesceMs);`,
    replace: `      if (pending.deadline !== undefined) arm(sessionKey, pending, coalesceMs);`,
    kills: rules("wakes"),
  },
  {
    name: "heartbeat-satisfied-by-any-turn",
    rules: ["B41"],
    change: "a heartbeat that waits for its session is forgotten when a message's turn starts",
    file: "machines/session-lane/session-lane.logic.ts",
    find: `  const heartbeatDue = context.heartbeatDue && turn.cause !== "heartbeat";`,
    replace: `  const heartbeatDue = false;`,
    kills: rules("heartbeat-races", "heartbeat-deferral"),
  },
  {
    name: "session-busy-called-capacity-full",
    rules: ["B42"],
    change: "a heartbeat that waits behind its own session's message blames capacity",
    file: "packages/lanekeeper/src/heartbeats/lane-reports.ts",
    find: `  if (leaf.detail !== "busy.waitingForCapacity" || hasOwnWork(context)) return "session-busy";`,
    replace: `  if (leaf.detail !== "busy.waitingForCapacity") return "session-busy";`,
    also: [
      {
        file: "packages/lanekeeper/src/heartbeats/lane-reports.ts",
        find: `  { leaf, context }: ChartSnapshot<LaneContext>,
  claim: Lane["claim"],`,
        replace: `  { leaf }: ChartSnapshot<LaneContext>,
  claim: Lane["claim"],`,
      },
      {
        file: "packages/lanekeeper/src/heartbeats/lane-reports.ts",
        find: `import { type DeferReason, hasOwnWork, type HeartbeatEvent, type LaneContext } from "@lanekeeper/machines";`,
        replace: `import type { DeferReason, HeartbeatEvent, LaneContext } from "@lanekeeper/machines";`,
      },
    ],
    kills: rules("heartbeat-deferral"),
  },
  {
    name: "work-of-a-running-turn-refused-in-a-drain",
    rules: ["B58"],
    change: "a drain refuses what a running turn sends",
    file: "packages/lanekeeper/src/keeper/admission.ts",
    find: `    if (supervisor.state !== "draining" || scope.getStore()?.isCurrent === true) return undefined;`,
    replace: `    if (supervisor.state !== "draining") return undefined;`,
    kills: rules("drain"),
  },
  {
    name: "drained-before-a-granted-turn",
    rules: ["B58"],
    change: "a drain is over although a turn that was given its slot is about to start",
    file: "packages/lanekeeper/src/keeper/shutdown.ts",
    find: `export function runningTurns({ counters, dispatcher }: Pick<Runtime, "counters" | "dispatcher">): number {
  return Math.max(counters.engaged, dispatcher.held);`,
    replace: `export function runningTurns({ counters }: Pick<Runtime, "counters" | "dispatcher">): number {
  return counters.engaged;`,
    kills: rules("drain"),
  },
  {
    name: "paused-hides-a-failing-store",
    rules: ["B60"],
    change: "explain says that a session is paused where the store is what keeps it",
    file: "packages/lanekeeper/src/seeing/explanation.ts",
    find: `  if (isRebuilding || isUnstartable || isUnrecorded) return "store";
  if (isKeeperPaused || isSessionPaused) return "paused";`,
    replace: `  if (isKeeperPaused || isSessionPaused) return "paused";
  if (isRebuilding || isUnstartable || isUnrecorded) return "store";`,
    kills: rules("explain"),
  },
];

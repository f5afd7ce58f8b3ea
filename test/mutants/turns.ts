import { charts, crossing, type Mutant, rules, units } from "./mutant.ts";

/** Turns: fencing, waits, awaiting, retries, dead letters (B7–B10, B28–B31b). */
export const turnMutants: readonly Mutant[] = [
  {
    name: "late-result-accepted",
    rules: ["B28", "B3"],
    change: "what a fenced turn returns ends whatever turn its lane runs by then",
    file: "packages/lanekeeper/src/turns/live-turn.ts",
    find: `    if (this.#isFenced) {
      if (wasRunning) this.#reportLate(result);
      return;
    }`,
    replace: `    if (this.#isFenced && wasRunning) this.#reportLate(result);`,
    kills: [...crossing("simulation/random-traffic"), ...rules("fencing")],
  },
  {
    name: "commands-announced-by-an-aborted-turn",
    rules: ["B28"],
    change: "a turn that was told to stop may still announce commands until it is fenced",
    file: "packages/lanekeeper/src/turns/live-turn.ts",
    find: `      if (!this.isCurrent) throw this.fencedError("turn.expectExec");`,
    replace: `      if (this.isOver) throw this.fencedError("turn.expectExec");`,
    kills: rules("progress", "fencing"),
  },
  {
    name: "steering-taken-by-an-aborted-turn",
    rules: ["B28", "B19"],
    change: "a turn that was told to stop still takes steering, which then has no turn",
    file: "packages/lanekeeper/src/turns/live-turn.ts",
    find: `      const items = this.isCurrent ? this.steering.take() : [];`,
    replace: `      const items = this.isOver ? [] : this.steering.take();`,
    kills: [...crossing("simulation/random-traffic"), ...rules("races-steering", "fencing")],
  },
  {
    name: "synchronous-throw-not-caught",
    rules: ["B7"],
    change: "a turn function that throws before its first await is nobody's: its lane hangs",
    file: "packages/lanekeeper/src/turns/live-turn.ts",
    find: `passages.through(scope.run(this, settings.turn, this))`,
    replace: `passages.through(given)`,
    also: [
      {
        file: "packages/lanekeeper/src/turns/live-turn.ts",
        find: `    let reply: unknown;
`,
        replace: `    let reply: unknown;
    const given = scope.run(this, settings.turn, this);
`,
      },
    ],
    kills: rules("lanes"),
  },
  {
    name: "every-wait-ends-with-the-first",
    rules: ["B29"],
    change: "the stall clock runs again as soon as the first of several waits ends",
    file: "packages/lanekeeper/src/turns/turn-waits.ts",
    find: `    return () => void this.#waits.delete(wait);`,
    replace: `    return () => void this.#waits.clear();`,
    kills: [...rules("waiting", "awaiting"), ...units("turns/turn-waits")],
  },
  {
    name: "only-short-circles-found",
    rules: ["B10"],
    change: "sessions that await each other in a circle of three wait for ever",
    file: "packages/lanekeeper/src/turns/awaits.ts",
    find: `      for (const next of awaitedBy(sessionKey)) if (!cameFrom.has(next)) cameFrom.set(next, sessionKey);`,
    replace: `      if (sessionKey !== from) continue;
      for (const next of awaitedBy(sessionKey)) if (!cameFrom.has(next)) cameFrom.set(next, sessionKey);`,
    kills: rules("races-lending", "awaiting"),
  },
  {
    name: "left-over-context-counts",
    rules: ["B10"],
    change: "code that a turn left running is taken for that turn after its end",
    file: "packages/lanekeeper/src/turns/awaits.ts",
    find: `      if (turn === undefined || turn.isOver || pending.isSettled) return pending.promise;`,
    replace: `      if (turn === undefined || pending.isSettled) return pending.promise;`,
    kills: rules("awaiting"),
  },
  {
    name: "loan-outlives-its-work",
    rules: ["B10a"],
    change: "a slot stays lent after the work that was awaited has ended, and the next turn runs on it",
    file: "packages/lanekeeper/src/turns/settlements.ts",
    find: `      for (const { seq, fate } of ending.verdict.dispositions)
        if (fate !== "return") runtime.awaits.finished(seq);
`,
    replace: "",
    kills: rules("races-lending", "lending-ends", "lending"),
  },
  {
    name: "reclaim-starts-a-new-incarnation",
    rules: ["B27", "B36"],
    change: "a reclaim resets the session: completions that wait in it become dead letters",
    file: "packages/lanekeeper/src/turns/settlements.ts",
    find: `      restart: turn.stopReason === "reset" && conclusion === "cancelled",`,
    replace: `      restart: conclusion === "reclaimed" || (turn.stopReason === "reset" && conclusion === "cancelled"),`,
    kills: rules("progress"),
  },
  {
    name: "interrupt-decided-at-the-return",
    rules: ["B20", "B28"],
    change: "an interrupted message's outcome waits until the aborted code has returned",
    file: "packages/lanekeeper/src/lanes/lane-effects.ts",
    find: `        if (conclude(reason, "expired") === "cancelled") {`,
    replace: `        if (conclude(reason, "expired") === "completed") {`,
    kills: rules("interrupt"),
  },
  {
    name: "one-reclaim-too-many",
    rules: ["B30"],
    change: "reclaimed work is tried again once more than maxReclaims says",
    file: "packages/lanekeeper/src/turns/verdict.ts",
    find: `item.reclaims < context.settings.maxReclaims`,
    replace: `item.reclaims <= context.settings.maxReclaims`,
    kills: [...rules("attempts", "retries"), ...units("turns/verdict")],
  },
  {
    name: "crashes-not-counted",
    rules: ["B30", "B31"],
    change: "work that kills its process every time is tried again for ever",
    file: "packages/lanekeeper/src/store/mailbox-settling.ts",
    find: `      crashes: item.crashes + (fate.counts === "crash" ? 1 : 0),`,
    replace: `      crashes: item.crashes,`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("recovery")],
  },
  {
    name: "close-counts-as-a-crash",
    rules: ["B58", "B30"],
    change: "a turn that close ended has cost its message an attempt",
    file: "packages/lanekeeper/src/turns/verdict.ts",
    find: `    case "handed-back":
      return { seq, fate: "return", retryAt: undefined, counts: "nothing" };`,
    replace: `    case "handed-back":
      return { seq, fate: "return", retryAt: undefined, counts: "crash" };`,
    kills: [...rules("close", "recovery"), ...units("turns/verdict")],
  },
  {
    name: "one-failure-too-many",
    rules: ["B31"],
    change: "a failed turn is tried once more than retry.attempts says",
    file: "packages/lanekeeper/src/turns/verdict.ts",
    find: `  return item.failures + 1 < settings.retry.attempts;`,
    replace: `  return item.failures < settings.retry.attempts;`,
    kills: [...rules("attempts", "retries"), ...units("turns/verdict")],
  },
  {
    name: "wake-tried-for-ever",
    rules: ["B31", "B40"],
    change: "each turn of a wake that fails counts as its first, so that none is its last",
    file: "packages/lanekeeper/src/turns/selection.ts",
    find: `  if (wake.isDue) return { items: events, cause: "wake", attempt: wake.attempts + 1 };`,
    replace: `  if (wake.isDue) return { items: events, cause: "wake", attempt: 1 };`,
    kills: [...rules("wakes", "retries"), ...units("turns/selection")],
  },
  {
    name: "message-waits-for-events-that-back-off",
    rules: ["B31"],
    change: "a message waits until the events of a failed turn may be tried again",
    file: "machines/session-lane/session-lane.logic.ts",
    find: `  const { retry, messages } = context.mailbox;
  if (retry === null || retry.at === context.elapsedRetryAt) return false;
  return retry.holding === "message" || messages === 0;`,
    replace: `  const { retry } = context.mailbox;
  return retry !== null && retry.at !== context.elapsedRetryAt;`,
    kills: [...rules("retries"), ...charts("session-lane/session-lane.logic")],
  },
  {
    name: "poisonous-events-ride-to-the-end",
    rules: ["B31a"],
    change: "an event that made a message's turns fail rides in its last attempt too",
    file: "packages/lanekeeper/src/store/mailbox-settling.ts",
    find: `      failedWith: fate.failedWith === undefined ? item.failedWith : [...item.failedWith, ...fate.failedWith],`,
    replace: `      failedWith: item.failedWith,`,
    kills: rules("attempts"),
  },
  {
    name: "preemption-counts-as-a-failure",
    rules: ["B31a", "B47"],
    change: "events whose turn was preempted or reset have lost an attempt",
    file: "packages/lanekeeper/src/turns/verdict.ts",
    find: `(turn.conclusion === "cancelled" && turn.abort !== "aborted")`,
    replace: `(turn.conclusion === "cancelled" && turn.abort === "interrupted")`,
    kills: [...rules("attempts", "heartbeat-deferral"), ...units("turns/verdict")],
  },
  {
    name: "letter-stays-after-its-redrive",
    rules: ["B31b"],
    change: "a dead letter that was put back is still there, and can be put back again",
    file: "packages/lanekeeper/src/store/mailbox-redriving.ts",
    find: `    state.deadLetters.remove(letterId);
`,
    replace: "",
    kills: [...crossing("conformance/mailbox-store"), ...rules("redrive")],
  },
  {
    name: "refused-redrive-forgets-the-id",
    rules: ["B31b", "B23"],
    change: "a redrive that finds no room makes the store forget the id that the work ended under",
    file: "packages/lanekeeper/src/store/mailbox-redriving.ts",
    find: `  if (!isTaken && known !== undefined) session!.know(knownName({ id, incarnation }), known);
`,
    replace: "",
    kills: [...crossing("conformance/mailbox-store"), ...rules("redrive")],
  },
  {
    name: "receipts-left-open-at-close",
    rules: ["B33", "B58"],
    change: "who awaits an outcome when the keeper closes waits for ever",
    file: "packages/lanekeeper/src/turns/pending-outcomes.ts",
    find: `      for (const outcome of pending.values()) outcome.settle({ status: "suspended" });
`,
    replace: "",
    kills: [...crossing("simulation/random-traffic"), ...rules("close")],
  },
  {
    name: "end-before-its-receipt-is-lost",
    rules: ["B33"],
    change:
      "work that ends before the store's answer to its acceptance has come has no outcome for its sender",
    file: "packages/lanekeeper/src/turns/pending-outcomes.ts",
    find: `      if (expected > 0) early.set(seq, outcome);`,
    replace: `      if (expected > 0 && waiting !== undefined) early.set(seq, outcome);`,
    kills: [...rules("races-cancel", "late-answers"), ...crossing("simulation/random-traffic")],
  },
  {
    name: "backoff-cut-short-by-what-has-ended",
    rules: ["B31"],
    change:
      "work that backs off is tried early where a message came after it, and ended before a turn was opened",
    file: "packages/lanekeeper/src/lanes/opening.ts",
    find: `retryAt !== undefined && retryAt !== lane.snapshot.context.elapsedRetryAt`,
    replace: `retryAt !== undefined && retryAt === -1 && lane.isOver`,
    kills: rules("opening"),
  },
];

import { charts, crossing, type Mutant, rules, units } from "./mutant.ts";

/** Lanes: one turn at a time, deadlines, reclaims, crashes, pauses (B1–B9, B25–B27, B59a). */
export const laneMutants: readonly Mutant[] = [
  {
    name: "slot-kept-after-a-throw",
    rules: ["B6", "B7", "B26"],
    change: "the slot is given back when a turn returns, and forgotten when it throws",
    file: "packages/lanekeeper/src/lanes/lane-effects.ts",
    find: `        lane.claim?.release();`,
    replace: `        if (lane.turn?.error === undefined) lane.claim?.release();`,
    kills: [...crossing("simulation/random-traffic"), ...rules("failures")],
  },
  {
    name: "held-back-lane-keeps-its-slot",
    rules: ["B4", "B59a"],
    change: "a lane that is paused while it waits for a slot keeps its place and takes the slot",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `always: { guard: "isHeldBack", target: "choosing", actions: "releaseSlot" },`,
    replace: `always: { guard: "isHeldBack", target: "choosing" },`,
    kills: [...crossing("simulation/random-traffic"), ...rules("pause", "capacity")],
  },
  {
    name: "reclaim-without-grace",
    rules: ["B26", "B28"],
    change: "a stalled turn is fenced as soon as its deadline has passed, without its grace",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `                guard: "isOverdue",
                target: "aborting",`,
    replace: `                guard: "isOverdue",
                target: "#sessionLane.reclaimed",`,
    kills: [...rules("fencing", "progress")],
  },
  {
    name: "time-out-of-a-stalled-turn-called-a-stall",
    rules: ["B26", "B30"],
    change: "a turn whose time is over while it is stalled is aborted as stalled, not as timed out",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `              actions: [{ type: "recordAbort", params: { reason: "timeout" } }, "abortTurn"],
            },
            reclaimDeadline: [`,
    replace: `              actions: [{ type: "recordAbort", params: { reason: "stalled" } }, "abortTurn"],
            },
            reclaimDeadline: [`,
    kills: [...rules("progress"), ...charts("session-lane/session-lane.machine")],
  },
  {
    name: "rejection-in-the-grace-is-no-reclaim",
    rules: ["B1", "B26"],
    change:
      "a turn that rejects in the grace of a stall or time-out ends like any other, without lane.reclaimed",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `            "turn.threw": [
              { guard: "isReclaiming", target: "#sessionLane.reclaimed" },
              { target: "settling", actions: "recordThrown" },
            ],`,
    replace: `            "turn.threw": { target: "settling", actions: "recordThrown" },`,
    kills: [...rules("progress"), ...charts("session-lane/session-lane.turn-end")],
  },
  {
    name: "progress-leaves-a-lane-stalled",
    rules: ["B25", "B1"],
    change: "a stalled turn that makes progress is reported as recovered and stays stalled",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `"turn.progressed": { target: "#sessionLane.busy.running", actions: "reportRecovered" },`,
    replace: `"turn.progressed": { actions: "reportRecovered" },`,
    kills: [...rules("progress"), ...charts("session-lane/session-lane.chart")],
  },
  {
    name: "reset-dropped-while-a-turn-opens",
    rules: ["B36", "B33"],
    change: "a reset that comes while the store opens a turn is dropped instead of postponed",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `            "session.reset": { actions: "postpone" },
            "lane.close": { actions: "postpone" },`,
    replace: `            "lane.close": { actions: "postpone" },`,
    kills: [...rules("races-reset", "reset", "windows")],
  },
  {
    name: "outcome-told-before-the-next-turn",
    rules: ["B6"],
    change: "the outcome settles before the session's next turn is chosen",
    file: "packages/lanekeeper/src/turns/settlements.ts",
    find: `    if (result.status === "settled") queue.post(tellLater, ending, result);`,
    replace: `    if (result.status === "settled") tell(ending, result);`,
    also: [
      {
        file: "packages/lanekeeper/src/turns/settlements.ts",
        find: `  const tellLater = (ending: Ending, result: Settled): void => queue.post(tell, ending, result);
`,
        replace: "",
      },
      {
        file: "packages/lanekeeper/src/turns/settlements.ts",
        find: `  const { settings, queue } = runtime;`,
        replace: `  const { settings } = runtime;`,
      },
    ],
    kills: rules("lanes", "failures"),
  },
  {
    name: "subscribers-inside-the-step",
    rules: ["B5"],
    change: "events reach their subscribers inside the step that emits them, half of it undone",
    file: "packages/lanekeeper/src/seeing/event-stream.ts",
    find: `      if (collected.push(event) === 1) flushSoon();`,
    replace: `      if (collected.push(event) === 1) flushSoon();
      this.flush();`,
    kills: [...rules("callbacks", "lanes"), ...units("seeing/event-stream")],
  },
  {
    name: "busy-is-whoever-has-a-turn",
    rules: ["B2", "B21"],
    change: "whether a session is busy is asked of its last turn instead of its lane's state",
    file: "packages/lanekeeper/src/keeper/admission.ts",
    find: `      const { leaf, context } = lane.snapshot;
      // A heartbeat is never in a message's way.
      return leaf.state !== "idle" && !isYielding(context);`,
    replace: `      const { context } = lane.snapshot;
      // A heartbeat is never in a message's way.
      return lane.turn?.isCurrent === true && !isYielding(context);`,
    kills: rules("reject"),
  },
  {
    name: "crashed-lane-keeps-its-slot",
    rules: ["B7", "B26"],
    change: "a lane that a bug ended takes its slot along",
    file: "packages/lanekeeper/src/lanes/supervisor.ts",
    find: `    // What broke the lane may break this too; the lane's slot is the dispatcher's to lose, not the supervisor's to die for.
    queue.post(() => claim?.release());
`,
    replace: "",
    also: [
      {
        file: "packages/lanekeeper/src/lanes/supervisor.ts",
        find: `    const { turn, claim } = lane;`,
        replace: `    const { turn } = lane;`,
      },
    ],
    kills: rules("failures", "lanes"),
  },
  {
    name: "crash-discards-what-was-returned",
    rules: ["B7"],
    change: "a turn that had returned before its lane crashed runs once more",
    file: "packages/lanekeeper/src/turns/live-turn.ts",
    find: `    if (this.#code !== "ended" || this.stopReason !== "lost") return "crashed";
    return this.error === undefined ? "completed" : "failed";`,
    replace: `    return "crashed";`,
    kills: rules("failures", "lanes"),
  },
  {
    name: "crashing-lane-rebuilt-without-a-pause",
    rules: ["B7", "B31"],
    change: "a lane that crashes again and again is rebuilt at once every time",
    file: "packages/lanekeeper/src/lanes/crash-series.ts",
    find: `    const series = { count: isSeries ? crash.count + 1 : 1, at: now };`,
    replace: `    const series = { count: isSeries ? crash.count : 1, at: now };`,
    kills: rules("failures"),
  },
  {
    name: "newer-mailbox-overwritten",
    rules: ["B8", "B33"],
    change: "an answer of the store that comes late replaces a newer one, and work is not seen",
    file: "machines/session-lane/session-lane.logic.ts",
    find: `  if (params.mailbox.version <= context.mailbox.version) return context;
`,
    replace: "",
    kills: [...rules("races-cancel", "late-answers"), ...charts("session-lane/session-lane.logic")],
  },
  {
    name: "resume-lifts-every-pause",
    rules: ["B59a"],
    change: "resume() without a key lifts the pauses of sessions too",
    file: "machines/session-lane/session-lane.logic.ts",
    find: `    draft.pausedBy[params.scope] = params.paused;`,
    replace: `    draft.pausedBy[params.scope] = params.paused;
    if (params.scope === "keeper") draft.pausedBy.session = params.paused;`,
    kills: [...rules("pause"), ...charts("session-lane/session-lane.logic")],
  },
  {
    name: "new-message-counts-as-progress",
    rules: ["B24", "B26"],
    change: "a message that comes while a turn hangs moves that turn's stall deadline",
    file: "packages/lanekeeper/src/keeper/admission.ts",
    find: `    const pending = outcomes.of(item);
    if (!pending.isSettled) {`,
    replace: `    const pending = outcomes.of(item);
    runtime.lanes.get(sessionKey)?.turn?.noteProgress();
    if (!pending.isSettled) {`,
    kills: rules("progress", "fencing"),
  },
  {
    name: "forgets-a-session-with-a-zombie",
    rules: ["B11"],
    change: "a session is forgotten although a fenced turn of it has not returned",
    file: "packages/lanekeeper/src/lanes/forgetting.ts",
    find: `    return wakes.has(sessionKey) || zombies.of(sessionKey) > 0;`,
    replace: `    return wakes.has(sessionKey);`,
    also: [
      {
        file: "packages/lanekeeper/src/lanes/forgetting.ts",
        find: `  const { lanes, wakes, zombies, `,
        replace: `  const { lanes, wakes, `,
      },
    ],
    kills: rules("forget"),
  },
  {
    name: "starting-lane-told-as-having-work",
    rules: ["B60"],
    change: "explain says that a turn is about to start, where a lane starts that has nothing to do",
    file: "packages/lanekeeper/src/seeing/explanation.ts",
    find: `  if (!hasWork(context)) return "nothing-to-do";`,
    replace: `  if (!hasWork(context)) return null;`,
    kills: rules("explain"),
  },
];

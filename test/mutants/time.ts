import { crossing, type Mutant, rules, units } from "./mutant.ts";

/** Deadlines, and time in which nothing could run (B25, B26, B26a, B33). */
export const timeMutants: readonly Mutant[] = [
  {
    name: "turns-time-counted-from-its-opening",
    rules: ["B26a"],
    change:
      "a turn is silent from when the store opened it, though the process was suspended before it started",
    file: "packages/lanekeeper/src/lanes/lane-effects.ts",
    find: `        turn.starts();
`,
    replace: "",
    kills: [...rules("progress"), ...crossing("simulation/random-traffic")],
  },
  {
    name: "lost-time-forgotten",
    rules: ["B26a"],
    change: "after a suspension every turn has been silent all the while, and is reclaimed",
    file: "packages/lanekeeper/src/keeper/create-lanekeeper.ts",
    find: `      lostTime.add(from, to);
`,
    replace: "",
    kills: rules("progress"),
  },
  {
    name: "lost-time-counted-twice",
    rules: ["B26a"],
    change: "time that two timers were late by is counted for each of them",
    file: "packages/lanekeeper/src/time/lost-time.ts",
    find: `      stretches.push({ from: Math.max(from, stretches.at(-1)?.to ?? from), to });`,
    replace: `      stretches.push({ from, to });`,
    kills: units("time/lost-time"),
  },
  {
    name: "time-limit-moved-by-a-sleep",
    rules: ["B26a"],
    change: "a suspension moves a turn's time limit as well as its stall deadline",
    file: "packages/lanekeeper/src/lanes/lane-effects.ts",
    find: `        return options.turnTimeoutMs - (clock.monotonic() - turn!.startedMono);`,
    replace: `        return options.turnTimeoutMs - lostTime.elapsed(turn!.startedMono, clock.monotonic());`,
    kills: rules("progress"),
  },
  {
    name: "time-limit-by-the-wall-clock",
    rules: ["B26", "B26a"],
    change: "a turn's time limit moves when an operator or NTP steps the wall clock",
    file: "packages/lanekeeper/src/lanes/lane-effects.ts",
    find: `        return options.turnTimeoutMs - (clock.monotonic() - turn!.startedMono);`,
    replace: `        return options.turnTimeoutMs - (clock.now() - turn!.startedAt);`,
    kills: rules("progress"),
  },
  {
    name: "progress-by-the-wall-clock",
    rules: ["B25", "B26"],
    change: "silence is measured by the wall clock, and a step of it reclaims every turn",
    file: "packages/lanekeeper/src/lanes/lane-effects.ts",
    find: `  const silentMs = ({ turn }: Lane): number => {
    const now = clock.monotonic();
    return lostTime.elapsed(turn?.silentSince(now) ?? now, now);
  };`,
    replace: `  const silentMs = ({ turn }: Lane): number => {
    const now = clock.now();
    return turn === undefined ? 0 : now - turn.progressedAt;
  };`,
    kills: rules("progress"),
  },
  {
    name: "sleep-not-looked-for",
    rules: ["B26a"],
    change:
      "the beat while turns run comes once, so that time lost is measured from the last deadline that was near",
    file: "packages/lanekeeper/src/time/pulse.ts",
    find: `    if (isBeating) deadlines.arm(beatMs, beat);
`,
    replace: "",
    kills: rules("progress"),
  },
  {
    name: "suspended-store-taken-for-dead",
    rules: ["B26a", "B33"],
    change: "a store has failed to answer when the process slept through its deadline",
    file: "packages/lanekeeper/src/time/running-deadlines.ts",
    find: `      const leftMs = delayMs - lostTime.elapsed(since, clock.monotonic());`,
    replace: `      const leftMs = delayMs - (clock.monotonic() - since);`,
    also: [
      {
        file: "packages/lanekeeper/src/time/running-deadlines.ts",
        find: `(clock: Clock, deadlines: Deadlines, lostTime: LostTime)`,
        replace: `(clock: Clock, deadlines: Deadlines, _lostTime: LostTime)`,
      },
    ],
    kills: rules("failures"),
  },
  {
    name: "deadlines-out-of-order",
    rules: ["B26"],
    change: "of deadlines that are due at the same instant the one that was armed last comes first",
    file: "packages/lanekeeper/src/time/deadlines.ts",
    find: `    return x.due < y.due || (x.due === y.due && x.order < y.order);`,
    replace: `    return x.due < y.due || (x.due === y.due && x.order > y.order);`,
    kills: units("time/deadlines"),
  },
  {
    name: "sooner-deadline-waits-for-the-timer",
    rules: ["B26", "B33"],
    change: "a deadline that is sooner than all others does not move the timer",
    file: "packages/lanekeeper/src/time/deadlines.ts",
    find: `    if (due > timerDue && due !== Infinity) return;`,
    replace: `    if (timerDue !== Infinity && due !== Infinity) return;`,
    kills: [...units("time/deadlines"), ...rules("progress")],
  },
];

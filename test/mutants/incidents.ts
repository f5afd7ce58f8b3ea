import type { Mutant } from "./mutant.ts";

/** A production failure put back into the runtime, and the property that must find it. */
export interface Incident extends Omit<Mutant, "kills"> {
  /** The public report. */
  readonly report: string;
  readonly property: "keeper" | "locks";
}

/** How the properties are checked for them. */
export const parameters = { seed: 7, numRuns: 500 } as const;

/** What the committed table says of itself. */
export const about = `# Incidents, put back

Each failure that this project was conceived from, put back into the runtime by a patch (\`incidents.ts\`), and what the
reference model made of it, within ${parameters.numRuns} runs. Written by \`npm run incidents\`.

fast-check drew all of it from seed ${parameters.seed}. Of a counterexample of the keeper property the commands are shown here; the settings
of the lane and the keeper that they ran with are its first value. With an incident's patch applied,
\`fc.assert(keeperProperty(), { seed: ${parameters.seed}, numRuns: ${parameters.numRuns} })\` prints both. The locks property has commands alone.
`;

/** The incidents that this project was conceived from (`test/incidents` tells them). */
export const incidents: readonly Incident[] = [
  {
    name: "phantom-slot",
    report: "matin/openclaw#12",
    rules: ["B26", "B32"],
    change: "no deadline takes a silent turn's slot back",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `            reclaimDeadline: [
              {
                guard: "isOverdue",
                target: "aborting",
                actions: [{ type: "recordAbort", params: { reason: "stalled" } }, "abortTurn"],
              },
              { target: "running", reenter: true },
            ],`,
    replace: `            reclaimDeadline: { target: "running", reenter: true },`,
    property: "keeper",
  },
  {
    name: "exec-in-the-wrong-queue",
    report: "openclaw/openclaw#14191",
    rules: ["B34"],
    change: "a command's completion goes to its agent's main session, whichever session started it",
    file: "packages/lanekeeper/src/store/mailbox-completing.ts",
    find: `  const item: NewItem = {
    sessionKey,`,
    replace: `  const item: NewItem = {
    sessionKey: sessionKey.replace(/^(agent:[^:]+):.*/, "$1:main"),`,
    property: "keeper",
  },
  {
    name: "heartbeat-that-ate-the-answer",
    report: "openclaw/openclaw#40526",
    rules: ["B35", "B41"],
    change: "an event that comes while a turn runs, such as a command's completion, aborts that turn",
    file: "machines/session-lane/session-lane.logic.ts",
    find: `  const isEnded = context.mailbox.interrupt ||`,
    replace: `  const isEnded = context.mailbox.interrupt || context.mailbox.events > 0 ||`,
    property: "keeper",
  },
  {
    name: "wake-that-was-dropped",
    report: "openclaw/openclaw#31388",
    rules: ["B31", "B46"],
    change: "a wake whose turn failed is not tried again",
    file: "packages/lanekeeper/src/lanes/wakes.ts",
    find: "if (attempt >= attempts || isPermanent(error)) {",
    replace: "if (attempt >= Math.min(1, attempts) || isPermanent(error)) {",
    property: "keeper",
  },
  {
    name: "wake-that-never-stopped",
    report: "openclaw/openclaw#31388",
    rules: ["B31", "B46"],
    change: "a wake whose turn failed is tried again for ever (what the report proposed)",
    file: "packages/lanekeeper/src/lanes/wakes.ts",
    find: "if (attempt >= attempts || isPermanent(error)) {",
    replace: "if (attempt > 1_000 * attempts || isPermanent(error)) {",
    property: "keeper",
  },
  {
    name: "recovery-that-recovers-nothing",
    report: "openclaw/openclaw#92270",
    rules: ["B26", "B27"],
    change: "a turn is reported as reclaimed, and its slot is not free",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `entry: ["recordExpired", "fenceTurn", "releaseSlot", "reportReclaimed"],`,
    replace: `entry: ["recordExpired", "fenceTurn", "reportReclaimed"],`,
    property: "keeper",
  },
  {
    name: "two-hour-lock",
    report: "simstudioai/sim#4286",
    rules: ["B50"],
    change: "a renewal that is late is sent again beside itself",
    file: "machines/lock-holder/lock-holder.machine.ts",
    find: `          description: "One renewal is under way, however late; no second is sent beside it.",`,
    replace: `          description: "One renewal is under way, however late; another is sent beside it.",
          after: { renewalRetry: { target: "renewing", reenter: true, actions: "sendRenewal" } },`,
    property: "locks",
  },
];

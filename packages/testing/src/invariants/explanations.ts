import { type CallStory, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView } from "./recording-view.ts";

/** What `explain` says, against what was told of the lane (B60). */
export const explanationInvariants: readonly Invariant[] = [
  invariant(
    "B60",
    "explain says why a session does not run: by the state that its lane is in, and by precedence.",
    function* ({ lives }) {
      for (const life of lives) for (const call of life.callsOf("explain")) yield* misexplained(life, call);
    },
  ),
  invariant("B60", "A session is runnable only where nothing blocks it.", function* ({ lives }) {
    for (const life of lives) {
      for (const { answer, args } of life.callsOf("explain")) {
        const value = answer?.entry.value;
        const isRunnable = member(value, "runnable");
        if (answer === undefined || isRunnable === (member(value, "blockedBy") === null)) continue;
        yield {
          step: answer,
          sessionKey: String(args[0]),
          sentence: `${String(args[0])} is said to be ${isRunnable === true ? "" : "not "}runnable, and blocked by ${String(member(value, "blockedBy"))}.`,
        };
      }
    }
  }),
];

/** What blocks a session whose lane is in some state. Null: a turn is about to start. */
const blockers: Readonly<Record<string, readonly (string | null)[]>> = {
  // Its lane may be about to start.
  idle: ["nothing-to-do", null],
  "busy.paused": ["paused", null],
  "busy.backingOff": ["backoff"],
  "busy.debouncing": ["debounce"],
  "busy.waitingForCapacity": ["capacity", "group", null],
  "busy.opening": [null],
  "busy.running": ["running"],
  "busy.aborting": ["aborting"],
  "busy.settling": ["running"],
  "busy.unsettled": ["store"],
  "busy.restarting": [null],
  "busy.withoutStore": ["store"],
  "stalled.running": ["running"],
  "stalled.aborting": ["aborting"],
  "reclaimed.settling": ["aborting"],
  "reclaimed.unsettled": ["store"],
};

/** What a lane that is about to start may find. */
const foreseen: ReadonlySet<string | null> = new Set(["backoff", "debounce"]);

function* misexplained(life: LifeView, call: CallStory): Iterable<Breach> {
  const { answer, step, args } = call;
  const [sessionKey] = args;
  const blockedBy = member(answer?.entry.value, "blockedBy") as string | null;
  if (answer === undefined || typeof sessionKey !== "string") return;
  const allowed = allowedBy(life, call, sessionKey);
  if (allowed === undefined || allowed.has(blockedBy)) return;
  // A lane that is about to start is told of as what it will find, also where nobody has been told of it yet.
  const isStarting = member(member(answer.entry.value, "facts"), "starting") === true;
  if (isStarting && allowed.has(null) && foreseen.has(blockedBy)) return;
  yield {
    step: answer,
    sessionKey,
    sentence: `${sessionKey} was said to be blocked by ${blockedBy ?? "nothing"} at ${step.at} ms, and what was told before allows ${[...allowed].map((one) => one ?? "nothing").join(", ")}.`,
  };
}

/** What may be said; undefined where too little is known. */
function allowedBy(
  life: LifeView,
  { step }: CallStory,
  sessionKey: string,
): ReadonlySet<string | null> | undefined {
  const { closing, draining } = life.life;
  if (closing !== undefined && closing.order < step.order) return new Set(["closed"]);
  if (draining !== undefined && draining.order < step.order) return new Set(["draining"]);
  const details = life.detailsAround(sessionKey, step);
  if (details.length === 0) return undefined;
  const paused = pausedAt(life, step.order, sessionKey);
  // A lane that is being rebuilt, or that the store keeps from starting, is the store's.
  const always =
    life.life.storeFailures.length > 0 || life.life.told("lane.crashed").length > 0 ? ["store"] : [];
  if (paused === "surely") return new Set(["paused", ...always]);
  const allowed = new Set<string | null>(always);
  for (const detail of details) for (const blocker of blockers[detail] ?? []) allowed.add(blocker);
  if (paused === "maybe") allowed.add("paused");
  return allowed;
}

/** Whether a session, or the whole keeper, is paused. */
function pausedAt(life: LifeView, order: number, sessionKey: string): "surely" | "maybe" | "no" {
  // An earlier keeper may have paused it.
  let state: "maybe" | "no" = life.life.number > 0 || !life.life.isFromBirth ? "maybe" : "no";
  for (const key of [undefined, sessionKey]) {
    const concerned = life
      .callsOf("pause", "resume")
      .filter(({ args, step }) => (args[0] ?? undefined) === key && step.order < order);
    if (concerned.some(({ method }) => method === "pause")) state = "maybe";
    const paused = concerned.findLast(
      ({ method, answer }) => method === "pause" && (answer?.order ?? Infinity) < order,
    );
    if (paused === undefined) continue;
    const isLifted = concerned.some(
      ({ method, answer }) => method === "resume" && (answer?.order ?? Infinity) > paused.step.order,
    );
    if (!isLifted) return "surely";
  }
  return state;
}

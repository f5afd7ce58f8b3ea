import { type CallStory, member, nameFor } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { storeDeadlineMs } from "./store-deadline.ts";
import type { Step } from "./step.ts";
import { isCurrentAt, overAt, startOf, type TurnStory } from "./turn-story.ts";

/** The way of a command's completion to the session that started it (B34–B38a). */
export const completionInvariants: readonly Invariant[] = [
  invariant(
    "B34",
    "A completion is shown to turns of the session that started its command, and to no other.",
    function* (view) {
      const owners = ownersOf(view);
      for (const item of view.items) {
        const owner = item.isCompletion ? owners.get(item.id) : undefined;
        const turn = item.held[0];
        if (owner === undefined || owner.sessionKey === item.sessionKey || turn === undefined) continue;
        yield {
          step: startOf(turn),
          sessionKey: item.sessionKey,
          sentence: `Turn ${turn.id} of ${item.sessionKey} was shown the completion of ${item.id}, a command of ${owner.sessionKey}.`,
        };
      }
    },
  ),
  invariant("B34", "A completion is routed to the session that started its command.", function* (view) {
    const owners = ownersOf(view);
    for (const { life } of view.lives) {
      for (const { event, step } of life.told("exec.routed")) {
        const owner = owners.get(event.execId);
        if (owner === undefined || owner.sessionKey === event.sessionKey || owner.step.order > step.order)
          continue;
        yield {
          step,
          sessionKey: event.sessionKey,
          sentence: `The completion of ${event.execId}, a command of ${owner.sessionKey}, was routed to ${event.sessionKey}.`,
        };
      }
    }
  }),
  invariant("B34", "A report that names another session is refused.", function* (view) {
    const owners = ownersOf(view);
    for (const life of view.lives) {
      for (const { args, answer } of life.callsOf("reportExec")) {
        const [report] = args;
        const execId = member(report, "execId");
        const sessionKey = member(report, "sessionKey");
        const owner = typeof execId === "string" ? owners.get(execId) : undefined;
        if (owner === undefined || sessionKey === undefined || sessionKey === owner.sessionKey) continue;
        if (member(answer?.entry.value, "routed") !== true || owner.step.order > answer!.order) continue;
        yield {
          step: answer!,
          sessionKey: nameFor(sessionKey),
          sentence: `A report of ${nameFor(execId)}, a command of ${owner.sessionKey}, was accepted for ${nameFor(sessionKey)}.`,
        };
      }
    }
  }),
  invariant("B35", "A completion is accepted once.", function* ({ lives }) {
    const routed = new Map<string, Step>();
    for (const { life } of lives) {
      for (const { event, step } of life.told("exec.routed")) {
        const before = routed.get(event.execId);
        const isRecent = before?.life === step.life && step.at - before.at < rememberedMs;
        routed.set(event.execId, step);
        if (!isRecent) continue;
        yield {
          step,
          sessionKey: event.sessionKey,
          sentence: `The completion of ${event.execId} was routed at ${before.at} ms, and at ${step.at} ms again.`,
        };
      }
    }
  }),
  invariant("B35", "A command that has ended is routed, or refused with a reason.", function* ({ lives }) {
    for (const life of lives) yield* unrouted(life);
  }),
  invariant(
    "B36",
    "What commands of an earlier incarnation came to is shown to no turn after a reset.",
    function* (view) {
      for (const life of view.lives) yield* stale(view, life);
    },
  ),
  invariant(
    "B36",
    "A reset ends the turn that runs, and resolves when that has ended or is fenced.",
    function* (view) {
      for (const life of view.lives) for (const call of life.callsOf("reset")) yield* outlived(life, call);
    },
  ),
  invariant("B37", "A command that ran when its keeper died is said to be lost.", function* (view) {
    for (const item of view.items) {
      const [turn] = item.held;
      const started = item.isCompletion ? startedBefore(view, item.id, turn) : undefined;
      if (turn === undefined || started === undefined || turn.life.hidesContents) continue;
      const shown = turn.called?.entry.events.find(({ id }) => id === item.id);
      const status = member(shown?.body, "status");
      if (status === undefined || status === "lost") continue;
      yield {
        step: startOf(turn),
        sessionKey: item.sessionKey,
        sentence: `The command ${item.id} of ${item.sessionKey} ran when its keeper died, and is said to have ${nameFor(status)}.`,
      };
    }
  }),
  invariant(
    "B37",
    "An announced command is lost when its time is over, and not before.",
    function* ({ lives }) {
      const known = new Set<unknown>();
      for (const life of lives) {
        for (const call of life.callsOf("expectExec", "turn.expectExec")) {
          const execId = call.method === "expectExec" ? call.args[1] : call.args[0];
          // The first announcement counts, whether its answer came or not, and none of what an earlier keeper was told of.
          if (!known.has(execId)) yield* announced(life, call);
          known.add(execId);
        }
        for (const { args } of life.callsOf("reportExec")) known.add(member(args[0], "execId"));
        for (const type of ["exec.routed", "exec.refused"] as const)
          for (const { event } of life.life.told(type)) known.add(event.execId);
      }
    },
  ),
  invariant("B38", "A completion is told of its own command and session.", function* ({ turns }) {
    for (const turn of turns) yield* misshapen(turn);
  }),
  invariant(
    "B38a",
    "A foreground command's completion is an event only if its turn ended first.",
    function* ({ lives }) {
      for (const life of lives) yield* interposed(life);
    },
  ),
];

/** How long an execId is known, in milliseconds. */
const rememberedMs = 86_400_000;

/** The sessions that started or announced commands, each with the step at which that was done. */
function ownersOf({
  lives,
}: RecordingView): ReadonlyMap<string, { readonly sessionKey: string; readonly step: Step }> {
  const owners = new Map<string, { readonly sessionKey: string; readonly step: Step }>();
  const add = (execId: unknown, sessionKey: unknown, step: Step): void => {
    if (typeof execId === "string" && typeof sessionKey === "string" && !owners.has(execId))
      owners.set(execId, { sessionKey, step });
  };
  for (const life of lives) {
    for (const { answer } of life.callsOf("exec", "turn.exec")) {
      const value = answer?.entry.value;
      if (answer !== undefined) add(member(value, "execId"), member(value, "sessionKey"), answer);
    }
    for (const { answer, args } of life.callsOf("expectExec"))
      if (answer !== undefined) add(args[1], args[0], answer);
    for (const { answer, args, turnId } of life.callsOf("turn.expectExec"))
      if (answer !== undefined) add(args[0], life.turns.get(turnId!)?.sessionKey, answer);
  }
  return owners;
}

/** Commands that ended, and of which nothing more was told. */
function* unrouted(life: LifeView): Iterable<Breach> {
  const { told, storeFailures, closing, time } = life.life;
  if (storeFailures.length > 0) return;
  const settled = new Set([
    ...told("exec.routed").map(({ event }) => event.execId),
    ...told("exec.refused").map(({ event }) => event.execId),
  ]);
  for (const { event, step } of [...told("exec.completed"), ...told("exec.lost")]) {
    if (settled.has(event.execId)) continue;
    // A store may take its time to record it.
    const by = life.firstAfter(step, storeDeadlineMs + time.latenessMs);
    const end = by ?? (closing === undefined ? undefined : life.life.closed);
    if (end === undefined || (closing !== undefined && step.order > closing.order)) continue;
    yield {
      step: end,
      sessionKey: event.sessionKey,
      sentence: `The command ${event.execId} of ${event.sessionKey} ended at ${step.at} ms, and its completion was neither routed nor refused.`,
    };
  }
}

/** Completions of commands that were started before a reset, shown after it. */
function* stale(view: RecordingView, life: LifeView): Iterable<Breach> {
  // A turn that a store opened and nobody heard of keeps what it holds from the reset.
  if (view.hasLostRedrives || life.life.storeFailures.length > 0) return;
  const owners = ownersOf(view);
  for (const { step, args, answer } of life.callsOf("reset")) {
    const [sessionKey] = args;
    if (typeof sessionKey !== "string" || answer === undefined) continue;
    for (const item of view.itemsOf(sessionKey)) {
      const owner = item.isCompletion ? owners.get(item.id) : undefined;
      if (owner === undefined || owner.step.order > step.order || item.isRedriven || item.isTangled) continue;
      const shown = item.held.find((turn) => (turn.firstOpened?.from.step.order ?? -1) > answer.order);
      if (shown === undefined) continue;
      yield {
        step: startOf(shown),
        sessionKey,
        sentence: `Turn ${shown.id} of ${sessionKey} was shown the completion of ${item.id}, whose command was started before a reset.`,
      };
    }
  }
}

function* outlived(life: LifeView, { step, args, answer }: CallStory): Iterable<Breach> {
  const [sessionKey] = args;
  if (answer === undefined || typeof sessionKey !== "string") return;
  const turn = life.lastTurnOf(sessionKey, step.order);
  if (turn === undefined || !isCurrentAt(turn, step.order)) return;
  const over = overAt(turn);
  if (over !== undefined && over.order < answer.order) return;
  yield {
    step: answer,
    sessionKey,
    sentence: `The reset of ${sessionKey} was done, and turn ${turn.id}, which had run before, is live.`,
  };
}

/** A command that an earlier keeper had started, and that had not ended when that keeper died. */
function startedBefore(
  { lives }: RecordingView,
  execId: string,
  turn: TurnStory | undefined,
): Step | undefined {
  for (const { life } of lives) {
    if (turn === undefined || life.number >= turn.life.number || life.closed !== undefined) continue;
    const started = life.told("exec.started").find(({ event }) => event.execId === execId);
    if (started === undefined) continue;
    const hasEnded = [...life.told("exec.completed"), ...life.told("exec.lost")].some(
      ({ event }) => event.execId === execId,
    );
    return hasEnded ? undefined : started.step;
  }
  return undefined;
}

function* announced(life: LifeView, { method, args, answer, step, turnId }: CallStory): Iterable<Breach> {
  const isTurns = method === "turn.expectExec";
  const execId = isTurns ? args[0] : args[1];
  const options = isTurns ? args[1] : args[2];
  const sessionKey = isTurns ? life.turns.get(turnId!)?.sessionKey : args[0];
  if (answer === undefined || typeof execId !== "string" || typeof sessionKey !== "string") return;
  const timeoutMs = Number(member(options, "timeoutMs") ?? rememberedMs);
  const { told, time, storeFailures, draining } = life.life;
  const lost = told("exec.lost").find(({ event }) => event.execId === execId);
  if (lost !== undefined && time.isBefore(lost.step.at, step.at + timeoutMs))
    yield {
      step: lost.step,
      sessionKey,
      sentence: `The command ${execId} of ${sessionKey} was announced at ${step.at} ms for ${timeoutMs} ms, and lost at ${lost.step.at} ms.`,
    };
  if (lost !== undefined || storeFailures.length > 0 || draining !== undefined) return;
  const by = life.steps.at(-1)!;
  const isReported = [...told("exec.routed"), ...told("exec.refused")].some(
    ({ event }) => event.execId === execId,
  );
  const isAsked = life.callsOf("reportExec").some((call) => member(call.args[0], "execId") === execId);
  // A store may take its time to record it.
  if (isReported || isAsked || !time.isOverdue(answer.at, timeoutMs + storeDeadlineMs, by.at)) return;
  yield {
    step: by,
    sessionKey,
    sentence: `The command ${execId} of ${sessionKey} was announced at ${step.at} ms for ${timeoutMs} ms, and is not lost.`,
  };
}

function* misshapen(turn: TurnStory): Iterable<Breach> {
  if (turn.life.hidesContents) return;
  for (const { id, kind, body } of turn.called?.entry.events ?? []) {
    const execId = member(body, "execId");
    if (kind !== "exec.completed" || execId === undefined) continue;
    const why =
      execId !== id
        ? `is said to be of ${nameFor(execId)}`
        : member(body, "sessionKey") !== turn.sessionKey
          ? `is said to be of ${String(member(body, "sessionKey"))}`
          : undefined;
    if (why === undefined) continue;
    yield {
      step: startOf(turn),
      sessionKey: turn.sessionKey,
      sentence: `The completion ${id}, shown to turn ${turn.id} of ${turn.sessionKey}, ${why}.`,
    };
  }
}

/** Foreground commands whose completion became an event while their turn ran on. */
function* interposed(life: LifeView): Iterable<Breach> {
  for (const { answer, args, turnId } of life.callsOf("turn.exec")) {
    const execId = member(answer?.entry.value, "execId");
    if (member(args[2], "foreground") !== true || typeof execId !== "string") continue;
    const turn = life.turns.get(turnId!);
    const ended = life.life.told("exec.completed").find(({ event }) => event.execId === execId);
    const routed = life.life.told("exec.routed").find(({ event }) => event.execId === execId);
    if (turn === undefined || ended === undefined || routed === undefined) continue;
    if (!isCurrentAt(turn, routed.step.order) || !isCurrentAt(turn, ended.step.order)) continue;
    yield {
      step: routed.step,
      sessionKey: turn.sessionKey,
      sentence: `The foreground command ${execId} of turn ${turn.id} of ${turn.sessionKey} became an event while that turn ran.`,
    };
  }
}

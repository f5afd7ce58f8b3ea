import { type CallStory, endOf, member, nameFor } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { isMessage, type ItemStory, outcomeOf } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { storeDeadlineMs } from "./store-deadline.ts";
import type { Told } from "./step.ts";

/** Every decision not to do something has an event with its reason (B61). */
export const tellingInvariants: readonly Invariant[] = [
  invariant("B7", "No lane crashes.", function* ({ lives }) {
    for (const { life } of lives)
      for (const { event, step } of life.told("lane.crashed"))
        yield {
          step,
          sessionKey: event.sessionKey,
          sentence: `The lane of ${event.sessionKey} crashed: ${event.error.message}`,
        };
  }),
  invariant("B61", "What was accepted is told as accepted, or as known already.", function* ({ lives }) {
    for (const life of lives) yield* untold(life);
  }),
  invariant("B61", "What was refused is told, with the code that its sender got.", function* ({ lives }) {
    for (const life of lives) yield* unexplained(life);
  }),
  invariant("B61", "Work that is cancelled or dropped has an event that says so, and why.", function* (view) {
    for (const item of view.items) yield* silentlyEnded(view, item);
  }),
  invariant("B61", "A lock that was not got in time is told as refused.", function* ({ lives }) {
    for (const life of lives) yield* silentlyRefused(life);
  }),
  invariant("B61", "A report that is not routed is told as refused, with its reason.", function* ({ lives }) {
    for (const life of lives) yield* unrouted(life);
  }),
  invariant("B61", "A heartbeat that is skipped is told, with its reason.", function* ({ lives }) {
    for (const life of lives) yield* skippedSilently(life);
  }),
];

/** Whether everything that came with a call's end has been told: time has passed since, or the keeper has closed. */
function isToldBy(life: LifeView, call: CallStory): boolean {
  const end = endOf(call);
  if (end === undefined) return false;
  return life.life.closed !== undefined || life.firstAfter(end, life.life.time.latenessMs) !== undefined;
}

function* untold(life: LifeView): Iterable<Breach> {
  const last = new Map<string, number>();
  for (const type of ["message.accepted", "message.duplicate", "event.accepted", "event.duplicate"] as const)
    for (const { event, step } of life.life.told(type)) {
      const name = JSON.stringify([event.sessionKey, event.id]);
      last.set(name, Math.max(step.order, last.get(name) ?? 0));
    }
  for (const call of life.callsOf("send", "notify", "redrive")) {
    const { answer, method, step } = call;
    if (answer === undefined || !isToldBy(life, call)) continue;
    const sessionKey = nameFor(member(answer.entry.value, "sessionKey"));
    const id = nameFor(member(answer.entry.value, "id"));
    if ((last.get(JSON.stringify([sessionKey, id])) ?? -1) > step.order) continue;
    yield {
      step: answer,
      sessionKey,
      sentence: `${method} of ${id} for ${sessionKey}, called at ${step.at} ms, was answered, and told neither as accepted nor as known.`,
    };
  }
}

/** Codes of refusals that are told. */
const told: ReadonlySet<string> = new Set(["LANE_BUSY", "LANE_FULL", "OVERLOADED", "DRAINING"]);

function* unexplained(life: LifeView): Iterable<Breach> {
  const unused = new Set<Told<"message.refused"> | Told<"event.refused">>(
    [...life.life.told("message.refused"), ...life.life.told("event.refused")].toSorted(
      (a, b) => a.step.order - b.step.order,
    ),
  );
  const calls = refusedCalls(life, "send", "notify").filter(({ refusal }) =>
    told.has(refusal!.entry.code ?? ""),
  );
  const named = calls.filter(({ args }) => member(args[2], "id") !== undefined);
  // Those whose ids the sender gave are found by them, the others by the order in which they were refused.
  for (const call of [...named, ...calls.filter((one) => !named.includes(one))]) {
    const { refusal, args, step, method } = call;
    const code = refusal!.entry.code!;
    const id = member(args[2], "id");
    const match = [...unused].find(
      ({ event, step: at }) =>
        at.order > step.order &&
        event.sessionKey === args[0] &&
        event.reason === code &&
        (id === undefined || event.id === id) &&
        (event.type === "message.refused") === (method === "send"),
    );
    if (match !== undefined) unused.delete(match);
    else
      yield {
        step: refusal!,
        sessionKey: String(args[0]),
        sentence: `${method} for ${String(args[0])}, called at ${step.at} ms, was refused as ${code}, and that was not told.`,
      };
  }
}

/** Calls that were refused, in the order in which they were. */
function refusedCalls(life: LifeView, ...methods: readonly string[]): readonly CallStory[] {
  return life
    .callsOf(...methods)
    .filter((call) => call.refusal !== undefined && isToldBy(life, call))
    .toSorted((a, b) => a.refusal!.order - b.refusal!.order);
}

function* silentlyEnded(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { id, sessionKey, ends, life } = item;
  const end = outcomeOf(item);
  // Of two that had the same id, as of what a killed keeper has put back, nobody can tell which an event is about.
  const hasTwin = view
    .itemsOf(sessionKey)
    .some((other) => other !== item && other.id === id && other.life === life);
  if (end === undefined || hasTwin || view.hasLostRedrives) return;
  const { outcome, step } = end;
  const { status } = outcome;
  for (const { event, step: at } of ends) {
    const isDropped =
      event.type === "message.dropped" || event.type === "event.dropped" || event.type === "event.replaced";
    if (status === (isDropped ? "dropped" : "cancelled")) continue;
    yield {
      step: at,
      sessionKey,
      sentence: `${id} of ${sessionKey} was told as ${isDropped ? "dropped" : "cancelled"}, and its outcome is ${status}.`,
    };
  }
  if (status !== "cancelled" && status !== "dropped") return;
  // What another keeper ended was told by that one, or by nobody: it died. An event that an aborted turn held is its turn's.
  if (step.life !== life || ends.length > 0 || item.accepted === undefined) return;
  if (isMessage(item) === false && status === "cancelled" && item.held.length > 0) return;
  // A completion that a reset made stale is told as a dead letter.
  if (item.isCompletion) return;
  // The store may have shown it to somebody before it answered whoever ended it.
  const mayBeUnanswered = view.lives[life.number]!.firstAfter(step, storeDeadlineMs) === undefined;
  if (life.closed === undefined && mayBeUnanswered) return;
  yield {
    step,
    sessionKey,
    sentence: `${id} of ${sessionKey} was ${status} (${outcome.reason}), and no event says so.`,
  };
}

/** What is told of a lock that its caller was refused: one that asks once, or waits not at all, finds it occupied. */
const lockRefusals: Readonly<Record<string, readonly string[]>> = {
  LOCK_TIMEOUT: ["timeout", "occupied"],
  LOCK_ABORTED: ["aborted"],
};

function* silentlyRefused(life: LifeView): Iterable<Breach> {
  const unused = new Set(life.life.told("lock.refused"));
  const calls = refusedCalls(life, "locks.acquire", "locks.using", "turn.locks.acquire", "turn.locks.using");
  for (const { refusal, args, step, call } of calls) {
    const reasons = lockRefusals[refusal!.entry.code ?? ""];
    // What its work was refused is its own affair.
    if (reasons === undefined || life.works.has(call)) continue;
    const match = [...unused].find(
      ({ event, step: at }) =>
        at.order > step.order && event.name === args[0] && reasons.includes(event.reason),
    );
    if (match !== undefined) unused.delete(match);
    else
      yield {
        step: refusal!,
        sentence: `Lock ${String(args[0])} was asked for at ${step.at} ms and refused as ${refusal!.entry.code!}, and that was not told.`,
      };
  }
}

function* unrouted(life: LifeView): Iterable<Breach> {
  const refusals = life.life.told("exec.refused");
  for (const call of life.callsOf("reportExec")) {
    const { answer, args, step } = call;
    const value = answer?.entry.value;
    if (answer === undefined || member(value, "routed") !== false || !isToldBy(life, call)) continue;
    const execId = member(args[0], "execId");
    const reason = member(value, "reason");
    if (
      refusals.some(
        ({ event, step: at }) => at.order > step.order && event.execId === execId && event.reason === reason,
      )
    )
      continue;
    yield {
      step: answer,
      sentence: `The report of ${String(execId)} at ${step.at} ms was not routed (${String(reason)}), and that was not told.`,
    };
  }
}

function* skippedSilently(life: LifeView): Iterable<Breach> {
  const skips = life.life.told("heartbeat.skipped");
  for (const call of life.callsOf("heartbeat.request")) {
    const { answer, step, on } = call;
    const value = answer?.entry.value;
    const agent = on?.args[0];
    if (answer === undefined || member(value, "status") !== "skipped" || !isToldBy(life, call)) continue;
    const reason = member(value, "reason");
    if (
      skips.some(
        ({ event, step: at }) => at.order > step.order && event.agent === agent && event.reason === reason,
      )
    )
      continue;
    yield {
      step: answer,
      sentence: `The heartbeat of ${String(agent)} asked for at ${step.at} ms was skipped (${String(reason)}), and that was not told.`,
    };
  }
}

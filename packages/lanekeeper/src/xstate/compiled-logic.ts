import type { ActorLogic, ActorScope, AnyActorRef, AnyStateMachine, EventObject, Snapshot } from "xstate";
import {
  type ActionStep,
  type ChartPlan,
  type DelayStep,
  type InvokeStep,
  type Leaf,
  matches,
  planChart,
  type StateStep,
  type TransitionPlan,
} from "./chart-plan.ts";

/**
 * Actor logic that runs a machine from tables instead of through XState's interpreter.
 *
 * Owns: the steps of one transition, the timers and invoked callbacks of one actor.
 * Must not know: lanes or what any machine means.
 * I1. For the features it accepts it does what the interpreter does, step for step (`compiled-logic.test.ts`): what a
 *     state has running ends, and begins, after all actions of the step; a state passed through begins nothing. Only the
 *     effects of the first step run when the actor is created, not when it is started.
 * I2. What an invoked callback or a timer sends arrives by the host's queue, never inside a transition, and not at all
 *     once its state has been left.
 * I3. An error thrown by an action, or one of a callback that no state handles, ends the actor as the interpreter would;
 *     its timers and callbacks are cleaned up.
 */

/** What compiled actors need of whoever runs them. A task is given what it needs: a closure for each costs more. */
export interface ChartHost {
  /** Runs a task after the current step. */
  post<A, B>(task: (a: A, b: B) => void, a: A, b: B): void;
  /** Runs a task after a delay in milliseconds, as `post` does. */
  arm<A>(delayMs: number, task: (a: A) => void, a: A): Cancellable;
  /** An actor, named by its id, is in another state once the current transition is over. */
  readonly moved?: ((actor: string, detail: string) => void) | undefined;
}
/** A timer that can be cancelled. */
export interface Cancellable {
  cancel(): void;
}

/** The state of a compiled actor. Its fields are those of XState's machine snapshots. */
export type ChartSnapshot<Context = unknown> = Snapshot<undefined> & {
  readonly value: Leaf["value"];
  readonly context: Context;
  readonly leaf: Leaf;
};

/** A timer or an invoked callback, from the entry of the state that has it until its exit. */
interface Running {
  readonly self: AnyActorRef;
  readonly state: StateStep;
  readonly step: DelayStep | InvokeStep;
  /** The delay in milliseconds, or what the callback is told: as of the entry. */
  readonly value: unknown;
  phase: "entered" | "started" | "left";
  cleanup: (() => void) | Cancellable | undefined;
}
/** The one place for what a compiled actor has running: a field of the actor, because a WeakMap of all costs more than a turn. */
const runningKey = Symbol("lanekeeper.running");
interface Host {
  [runningKey]?: Running[];
}

/** The arguments of one transition's steps; one object serves them all. */
interface Step {
  context: unknown;
  readonly event: EventObject;
  readonly self: AnyActorRef;
}

const stopType = "xstate.stop";
const errorPrefix = "xstate.error.actor";
interface FailureEvent extends EventObject {
  readonly error: unknown;
}
/** Eventless steps after which a chart counts as looping. */
const eventlessLimit = 100;

/** Compiles a machine into logic for `createActor`. */
export function compileLogic<Context, Event extends EventObject, Input>(
  machine: AnyStateMachine,
  host: ChartHost,
): ActorLogic<ChartSnapshot<Context>, Event, Input> {
  const plan: ChartPlan = planChart(machine);
  const createContext = machine.config.context as
    | ((args: { input: unknown; self: unknown; spawn: unknown }) => Context)
    | Context;

  const runActions = (actions: readonly ActionStep[], step: Step): void => {
    for (const action of actions) {
      const params = action.params === undefined ? action.fixedParams : action.params(step);
      const result = action.run(step, params);
      // `assign` may give a part of the context; our logic functions give all of it.
      if (action.kind === "assign" && result !== undefined) step.context = result;
    }
  };

  /** What was running in states that the current steps have left. Steps of several actors may nest, each above a base. */
  const leaving: Running[] = [];

  const start = (entry: Running): void => {
    entry.phase = "started";
    const { self, step, value } = entry;
    if ("event" in step) {
      entry.cleanup = host.arm(value as number, fireTimer, entry);
      return;
    }
    const sendBack = (answer: EventObject): void => host.post(answerFrom, entry, answer);
    try {
      const cleanup = step.start({ input: value, self, sendBack });
      if (typeof cleanup === "function") entry.cleanup = cleanup as () => void;
    } catch (error) {
      sendBack({ type: step.errorType, error, actorId: step.id } as EventObject);
    }
  };

  const end = (self: AnyActorRef, { step, cleanup }: Running): void => {
    try {
      if (typeof cleanup === "function") cleanup();
      else cleanup?.cancel();
    } catch (error) {
      // As in the interpreter: told like any other error of the callback, unless the actor is over.
      const type = "event" in step ? errorPrefix : step.errorType;
      host.post(tell, self, { type, error });
    }
  };

  /** Ends what the left states had running, and starts what the entered ones have. */
  const changeRunning = (self: AnyActorRef, base: number): void => {
    endLeaving(self, base);
    const running = (self as Host)[runningKey];
    if (running === undefined) return;
    for (const entry of running) if (entry.phase === "entered") start(entry);
  };

  const endLeaving = (self: AnyActorRef, base: number): void => {
    for (let index = base; index < leaving.length; index++) end(self, leaving[index]!);
    while (leaving.length > base) leaving.pop();
  };

  /** Ends everything. */
  const endAll = (self: AnyActorRef, base: number): void => {
    const running = (self as Host)[runningKey] ?? [];
    for (const entry of running) {
      if (entry.phase === "started") leaving.push(entry);
      entry.phase = "left";
    }
    running.length = 0;
    endLeaving(self, base);
  };

  /** The innermost state's are the last: a state is left before those around it, and entered after them. */
  const leave = (self: AnyActorRef, state: StateStep): void => {
    const running = (self as Host)[runningKey]!;
    let first = running.length;
    while (first > 0 && running[first - 1]!.state === state) first--;
    for (let index = first; index < running.length; index++) {
      const entry = running[index]!;
      if (entry.phase === "started") leaving.push(entry);
      entry.phase = "left";
    }
    while (running.length > first) running.pop();
  };

  const take = (taken: TransitionPlan, step: Step): void => {
    for (const state of taken.exits) {
      if (state.exit.length > 0) runActions(state.exit, step);
      if (state.delays.length > 0 || state.invokes.length > 0) leave(step.self, state);
    }
    runActions(taken.actions, step);
    enter(taken.entries, step);
  };

  const enter = (states: readonly StateStep[], step: Step): void => {
    for (const state of states) {
      if (state.entry.length > 0) runActions(state.entry, step);
      for (const delay of state.delays) {
        const value = typeof delay.delay === "number" ? delay.delay : delay.delay(step, undefined);
        keepRunning({ self: step.self, state, step: delay, value, phase: "entered", cleanup: undefined });
      }
      for (const invoke of state.invokes) {
        const value = invoke.input?.(step);
        keepRunning({ self: step.self, state, step: invoke, value, phase: "entered", cleanup: undefined });
      }
    }
  };

  /** Follows eventless transitions until none is open. */
  const settle = (from: Leaf, step: Step): ChartSnapshot<Context> => {
    let leaf = from;
    for (let count = 0; leaf.always.length > 0; count++) {
      const taken = choose(leaf.always, step);
      if (taken === undefined) break;
      if (count === eventlessLimit) throw new EventlessLoopError(machine.id, leaf.detail);
      take(taken, step);
      leaf = taken.to ?? leaf;
    }
    return {
      status: leaf.isTopFinal ? "done" : "active",
      output: undefined,
      error: undefined,
      value: leaf.value,
      context: step.context as Context,
      leaf,
    };
  };

  return {
    getInitialSnapshot(scope: ActorScope<ChartSnapshot<Context>, Event>, input: Input) {
      const self = scope.self as AnyActorRef;
      const context =
        typeof createContext === "function"
          ? (createContext as (args: object) => Context)({ input, self, spawn: undefined })
          : createContext;
      const step: Step = { context, event: { type: "xstate.init", input } as EventObject, self };
      enter(plan.initialEntries, step);
      return settle(plan.initial, step);
    },
    start(_snapshot, scope) {
      changeRunning(scope.self as AnyActorRef, leaving.length);
    },
    transition(snapshot, event, scope) {
      const self = scope.self as AnyActorRef;
      const base = leaving.length;
      if (event.type === stopType) {
        endAll(self, base);
        return { ...snapshot, status: "stopped", output: undefined, error: undefined };
      }
      const { leaf } = snapshot;
      const step: Step = { context: snapshot.context, event, self };
      try {
        const plans = leaf.byEvent.get(event.type);
        const taken = plans === undefined ? chooseWildcard(leaf, step) : choose(plans, step);
        if (taken === undefined) {
          if (event.type.startsWith(errorPrefix)) throw (event as EventObject as FailureEvent).error;
          return snapshot;
        }
        take(taken, step);
        const next = settle(taken.to ?? leaf, step);
        if (next.status === "done") endAll(self, base);
        else if (taken.to !== undefined || leaf.always.length > 0) changeRunning(self, base);
        if (next.leaf !== leaf) host.moved?.(self.id, next.leaf.detail);
        return next;
      } catch (error) {
        endAll(self, base);
        throw error;
      }
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
}

function choose(plans: readonly TransitionPlan[], step: Step): TransitionPlan | undefined {
  for (const candidate of plans) {
    const { guard } = candidate;
    if (guard === undefined) return candidate;
    const params = guard.params === undefined ? guard.fixedParams : guard.params(step);
    if (guard.run(step, params)) return candidate;
  }
  return undefined;
}

function chooseWildcard({ wildcards }: Leaf, step: Step): TransitionPlan | undefined {
  for (const { descriptor, plans } of wildcards) {
    const taken = matches(step.event.type, descriptor) ? choose(plans, step) : undefined;
    if (taken !== undefined) return taken;
  }
  return undefined;
}

function fireTimer({ self, step, phase }: Running): void {
  if (phase === "started") self.send((step as DelayStep).event);
}

function answerFrom({ self, phase }: Running, answer: EventObject): void {
  if (phase === "started") self.send(answer);
}

function tell(self: AnyActorRef, event: EventObject): void {
  if ((self.getSnapshot() as ChartSnapshot).status === "active") self.send(event);
}

function keepRunning(entry: Running): void {
  ((entry.self as Host)[runningKey] ??= []).push(entry);
}

/** A chart's eventless transitions never come to rest. */
export class EventlessLoopError extends Error {
  override readonly name = "EventlessLoopError";
  constructor(machineId: string, detail: string) {
    super(`Machine ${machineId} loops through eventless transitions at ${detail}.`);
  }
}

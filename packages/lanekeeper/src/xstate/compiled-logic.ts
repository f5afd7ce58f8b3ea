import type { ActorLogic, ActorScope, AnyActorRef, AnyStateMachine, EventObject, Snapshot } from "xstate";
import {
  type ActionStep,
  type ChartPlan,
  type Leaf,
  planChart,
  type StateStep,
  type TransitionPlan,
} from "./chart-plan.ts";

/**
 * Actor logic that runs a machine from tables instead of through XState's interpreter.
 *
 * Owns: the steps of one transition, the timers and invoked callbacks of one actor.
 * Must not know: lanes or what any machine means.
 * I1. For the features it accepts it does what the interpreter does, step for step (`compiled-logic.test.ts`).
 * I2. What an invoked callback or a timer sends arrives by the host's queue, never inside a transition, and not at all
 *     once its state has been left.
 * I3. An error thrown by an action ends the actor as the interpreter would; its timers and callbacks are cleaned up.
 */

/** What compiled actors need of whoever runs them. */
export interface ChartHost {
  /** Runs a task after the current step. */
  post(task: () => void): void;
  /** Runs a task after a delay in milliseconds, as `post` does. */
  arm(delayMs: number, callback: () => void): Cancellable;
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

/** A timer or an invoked callback, alive while the state that started it is. */
interface Running {
  readonly state: StateStep;
  readonly cleanup: (() => void) | Cancellable | undefined;
  isAlive: boolean;
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

  const armDelay = (state: StateStep, { delay, event }: StateStep["delays"][number], step: Step): void => {
    const { self } = step;
    const delayMs = typeof delay === "number" ? delay : (delay(step, undefined) as number);
    const entry: Running = {
      state,
      isAlive: true,
      cleanup: host.arm(delayMs, () => {
        if (entry.isAlive) self.send(event);
      }),
    };
    keepRunning(self, entry);
  };

  const startInvoke = (state: StateStep, invoke: StateStep["invokes"][number], step: Step): void => {
    const { self } = step;
    const entry: { state: StateStep; isAlive: boolean; cleanup: Running["cleanup"] } = {
      state,
      isAlive: true,
      cleanup: undefined,
    };
    keepRunning(self, entry);
    const sendBack = (answer: EventObject): void => {
      host.post(() => {
        if (entry.isAlive) self.send(answer);
      });
    };
    try {
      const cleanup = invoke.start({ input: invoke.input?.(step), self, sendBack });
      if (typeof cleanup === "function") entry.cleanup = cleanup as () => void;
    } catch (error) {
      sendBack({ type: invoke.errorType, error, actorId: invoke.id } as EventObject);
    }
  };

  const take = (taken: TransitionPlan, step: Step): void => {
    for (const state of taken.exits) {
      if (state.exit.length > 0) runActions(state.exit, step);
      if (state.delays.length > 0 || state.invokes.length > 0) stopRunning(step.self, state);
    }
    runActions(taken.actions, step);
    enter(taken.entries, step);
  };

  const enter = (states: readonly StateStep[], step: Step): void => {
    for (const state of states) {
      if (state.entry.length > 0) runActions(state.entry, step);
      for (const delay of state.delays) armDelay(state, delay, step);
      for (const invoke of state.invokes) startInvoke(state, invoke, step);
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
      try {
        enter(plan.initialEntries, step);
        return settle(plan.initial, step);
      } catch (error) {
        stopRunning(self, undefined);
        throw error;
      }
    },
    transition(snapshot, event, scope) {
      const self = scope.self as AnyActorRef;
      if (event.type === stopType) {
        stopRunning(self, undefined);
        return { ...snapshot, status: "stopped", output: undefined, error: undefined };
      }
      const { leaf } = snapshot;
      const step: Step = { context: snapshot.context, event, self };
      const taken = choose(leaf.byEvent.get(event.type) ?? wildcardPlans(leaf, event.type), step);
      if (taken === undefined) return snapshot;
      try {
        take(taken, step);
        const next = settle(taken.to ?? leaf, step);
        if (next.status === "done") stopRunning(self, undefined);
        return next;
      } catch (error) {
        stopRunning(self, undefined);
        throw error;
      }
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
}

function choose(plans: readonly TransitionPlan[] | undefined, step: Step): TransitionPlan | undefined {
  if (plans === undefined) return undefined;
  for (const candidate of plans) {
    const { guard } = candidate;
    if (guard === undefined) return candidate;
    const params = guard.params === undefined ? guard.fixedParams : guard.params(step);
    if (guard.run(step, params) === true) return candidate;
  }
  return undefined;
}

function keepRunning(self: AnyActorRef, entry: Running): void {
  const running = ((self as Host)[runningKey] ??= []);
  running.push(entry);
}

/** Ends what a state has running, or with no state everything. */
function stopRunning(self: AnyActorRef, state: StateStep | undefined): void {
  const running = (self as Host)[runningKey];
  if (running === undefined) return;
  for (let index = running.length - 1; index >= 0; index--) {
    const entry = running[index]!;
    if (state !== undefined && entry.state !== state) continue;
    if (index === running.length - 1) running.pop();
    else running.splice(index, 1);
    entry.isAlive = false;
    if (typeof entry.cleanup === "function") entry.cleanup();
    else entry.cleanup?.cancel();
  }
}

/** A chart's eventless transitions never come to rest. */
export class EventlessLoopError extends Error {
  override readonly name = "EventlessLoopError";
  constructor(machineId: string, detail: string) {
    super(`Machine ${machineId} loops through eventless transitions at ${detail}.`);
  }
}

function wildcardPlans(leaf: Leaf, type: string): readonly TransitionPlan[] | undefined {
  let best: Leaf["wildcards"][number] | undefined;
  for (const wildcard of leaf.wildcards) {
    if (type.startsWith(wildcard.prefix) && wildcard.prefix.length > (best?.prefix.length ?? -1))
      best = wildcard;
  }
  return best?.plans;
}

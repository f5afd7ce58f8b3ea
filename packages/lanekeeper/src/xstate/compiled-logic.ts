import type { ActorLogic, ActorScope, AnyActorRef, AnyStateMachine, EventObject, Snapshot } from "xstate";
import { type ActionStep, type ChartPlan, type Leaf, planChart, type StateStep, type TransitionPlan } from "./chart-plan.ts";

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
  /** Calls back after a delay in milliseconds. */
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

interface Running {
  readonly state: StateStep;
  readonly cancel: () => void;
  isAlive: boolean;
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
  const instances = new WeakMap<AnyActorRef, Running[]>();

  const runActions = (
    actions: readonly ActionStep[],
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): unknown => {
    let current = context;
    for (const action of actions) {
      const args = { context: current, event, self };
      const params = action.params === undefined ? action.fixedParams : action.params(args);
      const result = action.run(args, params);
      if (action.kind === "assign") current = mergeContext(current, result);
    }
    return current;
  };

  const enter = (
    states: readonly StateStep[],
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): unknown => {
    let current = context;
    for (const state of states) {
      if (state.entry.length > 0) current = runActions(state.entry, current, event, self);
      for (const delay of state.delays) armDelay(state, delay.delay, delay.event, current, event, self);
      for (const invoke of state.invokes) startInvoke(state, invoke, current, event, self);
    }
    return current;
  };

  const running = (self: AnyActorRef): Running[] => {
    let list = instances.get(self);
    if (list === undefined) instances.set(self, (list = []));
    return list;
  };

  const armDelay = (
    state: StateStep,
    delay: StateStep["delays"][number]["delay"],
    timeout: EventObject,
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): void => {
    const delayMs = typeof delay === "number" ? delay : (delay({ context, event, self }, undefined) as number);
    const timer = host.arm(delayMs, () => {
      host.post(() => {
        if (entry.isAlive) self.send(timeout);
      });
    });
    const entry: Running = { state, isAlive: true, cancel: () => timer.cancel() };
    running(self).push(entry);
  };

  const startInvoke = (
    state: StateStep,
    invoke: StateStep["invokes"][number],
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): void => {
    let cleanup: unknown;
    const entry: Running = {
      state,
      isAlive: true,
      cancel: () => {
        if (typeof cleanup === "function") (cleanup as () => void)();
      },
    };
    running(self).push(entry);
    const sendBack = (answer: EventObject): void => {
      host.post(() => {
        if (entry.isAlive) self.send(answer);
      });
    };
    try {
      const input = invoke.input?.({ context, event, self });
      cleanup = invoke.start({ input, self, sendBack });
    } catch (error) {
      sendBack({ type: invoke.errorType, error, actorId: invoke.id } as EventObject);
    }
  };

  const stopRunning = (self: AnyActorRef, state: StateStep | undefined): void => {
    const list = instances.get(self);
    if (list === undefined) return;
    for (let index = list.length - 1; index >= 0; index--) {
      const entry = list[index]!;
      if (state !== undefined && entry.state !== state) continue;
      list.splice(index, 1);
      entry.isAlive = false;
      entry.cancel();
    }
  };

  const leave = (
    states: readonly StateStep[],
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): unknown => {
    let current = context;
    for (const state of states) {
      if (state.exit.length > 0) current = runActions(state.exit, current, event, self);
      if (state.delays.length > 0 || state.invokes.length > 0) stopRunning(self, state);
    }
    return current;
  };

  const choose = (
    plans: readonly TransitionPlan[] | undefined,
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): TransitionPlan | undefined => {
    if (plans === undefined) return undefined;
    for (const candidate of plans) {
      const { guard } = candidate;
      if (guard === undefined) return candidate;
      const args = { context, event, self };
      const params = guard.params === undefined ? guard.fixedParams : guard.params(args);
      if (guard.run(args, params) === true) return candidate;
    }
    return undefined;
  };

  const take = (
    taken: TransitionPlan,
    context: unknown,
    event: EventObject,
    self: AnyActorRef,
  ): unknown => {
    let current = leave(taken.exits, context, event, self);
    current = runActions(taken.actions, current, event, self);
    return enter(taken.entries, current, event, self);
  };

  /** Follows eventless transitions until none is open. */
  const settle = (from: Leaf, context: unknown, event: EventObject, self: AnyActorRef): ChartSnapshot<Context> => {
    let leaf = from;
    let current = context;
    for (let step = 0; leaf.always.length > 0; step++) {
      const taken = choose(leaf.always, current, event, self);
      if (taken === undefined) break;
      if (step === eventlessLimit) throw new EventlessLoopError(machine.id, leaf.detail);
      current = take(taken, current, event, self);
      leaf = taken.to ?? leaf;
    }
    return snapshotOf(leaf, current as Context);
  };

  return {
    getInitialSnapshot(scope: ActorScope<ChartSnapshot<Context>, Event>, input: Input) {
      const self = scope.self as AnyActorRef;
      const event = { type: "xstate.init", input } as EventObject;
      const context =
        typeof createContext === "function"
          ? (createContext as (args: object) => Context)({ input, self, spawn: undefined })
          : createContext;
      try {
        return settle(plan.initial, enter(plan.initialEntries, context, event, self), event, self);
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
      const plans = leaf.byEvent.get(event.type) ?? wildcardPlans(leaf, event.type);
      const taken = choose(plans, snapshot.context, event, self);
      if (taken === undefined) return snapshot;
      try {
        const context = take(taken, snapshot.context, event, self);
        const next = settle(taken.to ?? leaf, context, event, self);
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

/** A chart's eventless transitions never come to rest. */
export class EventlessLoopError extends Error {
  override readonly name = "EventlessLoopError";
  constructor(machineId: string, detail: string) {
    super(`Machine ${machineId} loops through eventless transitions at ${detail}.`);
  }
}

function snapshotOf<Context>(leaf: Leaf, context: Context): ChartSnapshot<Context> {
  return {
    status: leaf.isFinal && !leaf.detail.includes(".") ? "done" : "active",
    output: undefined,
    error: undefined,
    value: leaf.value,
    context,
    leaf,
  };
}

/** `assign` takes a part of the context or, as our logic functions do, all of it. */
function mergeContext(context: unknown, update: unknown): unknown {
  return update === context || update === undefined ? context : update;
}

function wildcardPlans(leaf: Leaf, type: string): readonly TransitionPlan[] | undefined {
  let best: Leaf["wildcards"][number] | undefined;
  for (const wildcard of leaf.wildcards) {
    if (type.startsWith(wildcard.prefix) && wildcard.prefix.length > (best?.prefix.length ?? -1)) best = wildcard;
  }
  return best?.plans;
}

import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, UnknownAction } from "xstate";
import { type ChartAction, type ChartGuard, nameAction, nameGuard } from "./implementation-name.ts";
import { type Trigger, triggerOf } from "./trigger.ts";

/** One transition of a state, as the chart shows it; without targets it stays where it is. */
export interface ChartTransition {
  /** Unique in its chart: the state's id, the trigger and its place among those of this trigger. */
  readonly id: string;
  readonly source: string;
  readonly targets: readonly string[];
  readonly trigger: Trigger;
  readonly guard: ChartGuard | undefined;
  readonly actions: readonly ChartAction[];
  readonly reenter: boolean;
  /** What a picture adds to it. */
  readonly note?: ChartNote;
}

/** A word that a picture adds to a transition. */
export interface ChartNote {
  readonly text: string;
  readonly isAlarm: boolean;
}

/** An actor that runs while its state is active. */
export interface ChartInvoke {
  readonly id: string;
  readonly source: string;
}

/** One state with everything it declares itself. */
export interface ChartState {
  /** XState's id of the state node: unique in its chart. */
  readonly id: string;
  readonly name: string;
  /** Keys from below the root down to this state; empty for the root. */
  readonly path: readonly string[];
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly description: string | undefined;
  readonly entry: readonly ChartAction[];
  readonly exit: readonly ChartAction[];
  readonly invokes: readonly ChartInvoke[];
  readonly transitions: readonly ChartTransition[];
  /** Ids of the states entered first; empty where there is nothing to choose. */
  readonly initial: readonly string[];
  readonly initialActions: readonly ChartAction[];
  readonly states: readonly ChartState[];
}

/** A machine as plain data: what the picture and the page are drawn from. */
export interface Chart {
  readonly name: string;
  readonly description: string | undefined;
  readonly root: ChartState;
}

/** Reads a machine's chart from its state nodes. */
export function chartOf(machine: AnyStateMachine): Chart {
  const root = stateOf(machine.root);
  return { name: machine.id, description: root.description, root };
}

/** Lists a state and all below it, parents first, in the order of the config. */
export function statesOf(state: ChartState): readonly ChartState[] {
  return [state, ...state.states.flatMap(statesOf)];
}

/** Lists every transition of a chart in the order of the config. */
export function transitionsOf(chart: Chart): readonly ChartTransition[] {
  return statesOf(chart.root).flatMap((state) => state.transitions);
}

/** Tells whether a transition leaves its state at all; the others are listed inside the state's box. */
export function isInternal(transition: ChartTransition): boolean {
  return transition.targets.every((target) => target === transition.source);
}

/** The id of a state's transition that is the `index`-th of its trigger. */
export function transitionIdOf(
  node: AnyStateNode,
  transition: AnyTransitionDefinition,
  index: number,
): string {
  return `${node.id}:${triggerOf(node, transition).text}:${index}`;
}

function stateOf(node: AnyStateNode): ChartState {
  const children = Object.values(node.states) as AnyStateNode[];
  const isChoice = node.type === "compound";
  return {
    id: node.id,
    name: node.key,
    path: node.path,
    kind: node.type,
    description: node.description,
    // `node.entry` and `node.exit` also hold the timers of `after`.
    entry: actionsOf(node.config.entry),
    exit: actionsOf(node.config.exit),
    invokes: node.invoke.map(({ id, src }) => ({ id, source: typeof src === "string" ? src : "inline" })),
    transitions: [...node.transitions.values(), node.always ?? []].flatMap((choices) =>
      choices.map((transition, index) => transitionOf(node, transition, index)),
    ),
    initial: isChoice ? node.initial.target.map((target) => target.id) : [],
    initialActions: isChoice ? actionsOf(node.initial.actions) : [],
    states: children.map(stateOf),
  };
}

function transitionOf(
  node: AnyStateNode,
  transition: AnyTransitionDefinition,
  index: number,
): ChartTransition {
  const trigger = triggerOf(node, transition);
  return {
    id: transitionIdOf(node, transition, index),
    source: node.id,
    targets: (transition.target ?? []).map((target) => target.id),
    trigger,
    guard: transition.guard === undefined ? undefined : nameGuard(transition.guard),
    actions: actionsOf(transition.actions),
    reenter: transition.reenter,
  };
}

function actionsOf(actions: unknown): readonly ChartAction[] {
  if (actions === undefined) return [];
  return (Array.isArray(actions) ? actions : [actions]).map((action) => nameAction(action as UnknownAction));
}

import { type AnyStateMachine, type AnyStateNode, type AnyTransitionDefinition, fromCallback } from "xstate";

/**
 * Turns a state machine into tables: for each leaf and event, the guarded transitions with the steps each takes.
 *
 * Owns: the reading of XState's StateNode tree (the one place that knows its shape).
 * Must not know: actors, clocks, the runtime.
 * I1. A config feature the tables cannot express is refused when the machine is compiled, never ignored.
 * I2. The order of steps is XState's: exits from the innermost, the transition's actions, entries from the outermost.
 */

/** Arguments every guard, action, delay and parameter function gets. */
export interface StepArgs {
  readonly context: unknown;
  readonly event: { readonly type: string };
  readonly self: unknown;
}
type Mapper = (args: StepArgs) => unknown;
type Implementation = (args: StepArgs, params: unknown) => unknown;

/** One action, resolved to its implementation. */
export interface ActionStep {
  readonly kind: "assign" | "effect";
  readonly run: Implementation;
  readonly params: Mapper | undefined;
  readonly fixedParams: unknown;
}
/** One named delay of a state. */
export interface DelayStep {
  readonly event: { readonly type: string };
  readonly delay: Implementation | number;
}
/** One invoked callback of a state. */
export interface InvokeStep {
  readonly id: string;
  readonly start: (args: {
    readonly input: unknown;
    readonly self: unknown;
    readonly sendBack: (event: { readonly type: string }) => void;
  }) => unknown;
  readonly input: Mapper | undefined;
  readonly errorType: string;
}
/** A state with everything that happens on entering and leaving it. */
export interface StateStep {
  readonly id: string;
  readonly entry: readonly ActionStep[];
  readonly exit: readonly ActionStep[];
  readonly delays: readonly DelayStep[];
  readonly invokes: readonly InvokeStep[];
}
/** One way out of a leaf. Without `to` it changes no state. */
export interface TransitionPlan {
  readonly guard: ActionStep | undefined;
  readonly actions: readonly ActionStep[];
  readonly exits: readonly StateStep[];
  readonly entries: readonly StateStep[];
  readonly to: Leaf | undefined;
}
/** A state a machine can rest in. */
export interface Leaf {
  /** The dotted path, e.g. `busy.running`. */
  readonly detail: string;
  /** The outermost state, e.g. `busy`. */
  readonly state: string;
  /** XState's state value. */
  readonly value: string | Readonly<Record<string, unknown>>;
  readonly tags: ReadonlySet<string>;
  /** Whether the machine is done here. */
  readonly isTopFinal: boolean;
  readonly byEvent: Map<string, readonly TransitionPlan[]>;
  /** For event types that `byEvent` does not name, in the order in which they are asked. */
  readonly wildcards: readonly WildcardPlan[];
  readonly always: readonly TransitionPlan[];
}
/** What becomes of every event that a descriptor such as `xstate.done.actor.*` matches. */
export interface WildcardPlan {
  readonly descriptor: string;
  readonly plans: readonly TransitionPlan[];
}
/** A machine as tables. */
export interface ChartPlan {
  readonly initial: Leaf;
  readonly initialEntries: readonly StateStep[];
  readonly leaves: readonly Leaf[];
}

interface MutableLeaf extends Omit<Leaf, "wildcards" | "always"> {
  readonly node: AnyStateNode;
  wildcards: readonly WildcardPlan[];
  always: readonly TransitionPlan[];
}

/** A machine uses a feature that the compiled form does not have. */
export class UnsupportedChartError extends Error {
  override readonly name = "UnsupportedChartError";
}

/** Compiles a machine with its provided implementations into tables. */
export function planChart(machine: AnyStateMachine): ChartPlan {
  const implementations = machine.implementations;
  const steps = new Map<AnyStateNode, StateStep>();
  const leaves = new Map<AnyStateNode, MutableLeaf>();

  const resolve = (kind: "actions" | "guards", reference: unknown): ActionStep => {
    if (typeof reference === "function") {
      throw new UnsupportedChartError(
        `an inline function in ${kind} of machine ${machine.id}; name it in setup()`,
      );
    }
    const { type, params } =
      typeof reference === "string"
        ? { type: reference, params: undefined }
        : (reference as { type: string; params?: unknown });
    const found = implementations[kind][type] as
      | (Implementation & { readonly type?: string; readonly assignment?: Implementation })
      | undefined;
    if (typeof found !== "function") {
      throw new UnsupportedChartError(`${kind}.${type} of machine ${machine.id} has no implementation`);
    }
    if ("check" in found) {
      throw new UnsupportedChartError(`guards.${type} of machine ${machine.id} is made of other guards`);
    }
    const mapped = typeof params === "function" ? (params as Mapper) : undefined;
    const fixedParams = mapped === undefined ? params : undefined;
    if (found.type === "xstate.assign") {
      if (typeof found.assignment !== "function") {
        throw new UnsupportedChartError(`actions.${type} of machine ${machine.id} assigns per property`);
      }
      return { kind: "assign", run: found.assignment, params: mapped, fixedParams };
    }
    if (found.type?.startsWith("xstate.")) {
      throw new UnsupportedChartError(`${found.type} in actions.${type} of machine ${machine.id}`);
    }
    return { kind: "effect", run: found, params: mapped, fixedParams };
  };

  const stateStep = (node: AnyStateNode): StateStep => {
    const known = steps.get(node);
    if (known !== undefined) return known;
    // From the config: to the node's own lists XState adds the actions that raise and cancel its timers.
    const own = (actions: unknown): ActionStep[] =>
      listOf(actions).map((action) => resolve("actions", action));
    const delays = new Map<string, DelayStep>();
    for (const transition of node.after) {
      const name = transition.delay;
      const delay =
        typeof name === "number" ? name : (implementations.delays[name as string] as Implementation | number);
      if (delay === undefined) throw new UnsupportedChartError(`delay ${String(name)} has no implementation`);
      delays.set(transition.eventType, { event: { type: transition.eventType }, delay });
    }
    const step: StateStep = {
      id: node.id,
      entry: own(node.config.entry),
      exit: own(node.config.exit),
      delays: [...delays.values()],
      invokes: node.invoke.map((invoke) => {
        const logic = implementations.actors[invoke.src as string] as CallbackLogic | undefined;
        if (logic === undefined || !isCallback(logic)) {
          throw new UnsupportedChartError(`invoke ${invoke.id} of ${node.id} is no fromCallback actor`);
        }
        return {
          id: invoke.id,
          start: logic.config,
          input: mapperOf(invoke.input),
          errorType: `xstate.error.actor.${invoke.id}`,
        };
      }),
    };
    steps.set(node, step);
    return step;
  };

  const planTransition = (
    from: AnyStateNode,
    transition: {
      readonly guard?: unknown;
      readonly actions: readonly unknown[];
      readonly target: readonly AnyStateNode[] | undefined;
      readonly source: AnyStateNode;
      readonly reenter: boolean;
    },
  ): TransitionPlan => {
    const guard = transition.guard === undefined ? undefined : resolve("guards", transition.guard);
    const actions = transition.actions.map((action) => resolve("actions", action));
    const target = transition.target?.[0];
    if (target === undefined) return { guard, actions, exits: [], entries: [], to: undefined };
    if (transition.target!.length > 1) throw new UnsupportedChartError(`several targets in ${from.id}`);
    const domain = domainOf(transition.source, target, transition.reenter);
    const exits: AnyStateNode[] = [];
    for (
      let node: AnyStateNode | undefined = from;
      node !== undefined && node !== domain;
      node = node.parent
    ) {
      exits.push(node);
    }
    const entries: AnyStateNode[] = [];
    for (
      let node: AnyStateNode | undefined = target;
      node !== undefined && node !== domain;
      node = node.parent
    ) {
      entries.unshift(node);
    }
    const descent = initialDescent(target);
    return {
      guard,
      actions,
      exits: exits.map(stateStep),
      entries: [...entries, ...descent].map(stateStep),
      to: leaves.get(descent.at(-1) ?? target)!,
    };
  };

  collect(machine.root as AnyStateNode, (node) => {
    refuseUnsupported(node);
    if (node.type === "atomic" || node.type === "final") leaves.set(node, createLeaf(node));
  });
  for (const leaf of leaves.values()) {
    const nodes: AnyStateNode[] = [];
    for (let node: AnyStateNode | undefined = leaf.node; node !== undefined; node = node.parent)
      nodes.push(node);
    const plan = (transition: AnyTransitionDefinition): TransitionPlan =>
      planTransition(leaf.node, transition);
    leaf.always = nodes.flatMap((node) => (node.always ?? []).map(plan));
    for (const type of new Set(nodes.flatMap((node) => [...node.transitions.keys()]))) {
      if (!isWildcard(type))
        leaf.byEvent.set(type, nodes.flatMap((node) => candidatesOf(node, type)).map(plan));
    }
    leaf.wildcards = nodes.flatMap((node) =>
      wildcardsOf(node).map((descriptor) => ({
        descriptor,
        plans: node.transitions.get(descriptor)!.map(plan),
      })),
    );
  }
  const root = machine.root as AnyStateNode;
  const descent = initialDescent(root);
  return {
    initial: leaves.get(descent.at(-1) ?? root)!,
    initialEntries: [root, ...descent].map(stateStep),
    leaves: [...leaves.values()],
  };
}

/** Refuses what the tables cannot express and nothing else would notice. */
function refuseUnsupported(node: AnyStateNode): void {
  const refuse = (feature: string): never => {
    throw new UnsupportedChartError(`${feature} of ${node.id}`);
  };
  const isRoot = node.parent === undefined;
  const isEnd = node.type === "final" && node.parent?.parent === undefined;
  if (node.type === "parallel" || node.type === "history") refuse(`the type ${node.type}`);
  if (isRoot && node.type !== "compound") refuse("the lack of states");
  if (node.config.output !== undefined) refuse("output");
  if (isEnd && listOf(node.config.exit).length + listOf(node.parent?.config.exit).length > 0) {
    refuse("an exit action at the end");
  }
  if (node.type === "compound" && node.initial.actions.length > 0)
    refuse("actions of the initial transition");
  for (const { systemId, id } of node.invoke)
    if (systemId !== undefined) refuse(`the system id of invoke ${id}`);
  for (const { target } of node.always ?? [])
    if (target === undefined) refuse("an eventless step without a target");
  if (isRoot && [...node.transitions.values()].flat().some(({ reenter }) => reenter)) refuse("reenter");
  if (node.type !== "final" || isEnd) return;
  for (let at = node.parent; at !== undefined; at = at.parent) {
    for (const type of at.transitions.keys()) {
      if (matches(`xstate.done.state.${node.parent?.id}`, type)) refuse(`${type}, told when it is entered,`);
    }
  }
}

interface CallbackLogic {
  readonly config: InvokeStep["start"];
  readonly transition: unknown;
}
/** Logic of every kind has a function as its config: what tells callbacks apart is how they take a step. */
const callbackStep = String(fromCallback(() => {}).transition);

function isCallback({ config, transition }: CallbackLogic): boolean {
  return typeof config === "function" && String(transition) === callbackStep;
}

function listOf(actions: unknown): readonly unknown[] {
  if (actions === undefined) return [];
  return Array.isArray(actions) ? actions : [actions];
}

function mapperOf(input: unknown): Mapper | undefined {
  if (input === undefined || typeof input === "function") return input as Mapper | undefined;
  return () => input;
}

/** Whether an event type is one that a descriptor means: itself, `*`, or `a.b.*` for `a.b` and what begins with `a.b.`. */
export function matches(type: string, descriptor: string): boolean {
  if (type === descriptor || descriptor === "*") return true;
  if (!descriptor.endsWith(".*")) return false;
  return type === descriptor.slice(0, -2) || type.startsWith(descriptor.slice(0, -1));
}

function isWildcard(descriptor: string): boolean {
  return descriptor === "*" || descriptor.endsWith(".*");
}

/** A state's own wildcards, the longest first. */
function wildcardsOf(node: AnyStateNode): readonly string[] {
  return [...node.transitions.keys()].filter(isWildcard).toSorted((a, b) => b.length - a.length);
}

/** A state's own transitions for an event type: those that name it, then those that match it. */
function candidatesOf(node: AnyStateNode, type: string): readonly AnyTransitionDefinition[] {
  const matching = wildcardsOf(node).filter((descriptor) => matches(type, descriptor));
  return [type, ...matching].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
}

function createLeaf(node: AnyStateNode): MutableLeaf {
  let value: MutableLeaf["value"] = node.path.at(-1) ?? node.key;
  for (const key of node.path.slice(0, -1).toReversed()) value = { [key]: value };
  const tags = new Set<string>();
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) {
    for (const tag of at.tags) tags.add(tag);
  }
  return {
    node,
    detail: node.path.join("."),
    state: node.path[0] ?? node.key,
    value,
    tags,
    isTopFinal: node.type === "final" && node.path.length === 1,
    byEvent: new Map(),
    wildcards: [],
    always: [],
  };
}

function collect(node: AnyStateNode, visit: (node: AnyStateNode) => void): void {
  visit(node);
  for (const child of Object.values(node.states)) collect(child as AnyStateNode, visit);
}

function initialDescent(node: AnyStateNode): AnyStateNode[] {
  const path: AnyStateNode[] = [];
  let at = node;
  while (at.type === "compound") {
    const next = at.initial.target?.[0];
    if (next === undefined) break;
    path.push(next);
    at = next;
  }
  return path;
}

function isWithin(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

/** The state that a transition neither leaves nor enters. */
function domainOf(source: AnyStateNode, target: AnyStateNode, reenter: boolean): AnyStateNode {
  if (!reenter && (target === source || isWithin(target, source))) return source;
  for (let at = target.parent; at !== undefined; at = at.parent) if (isWithin(source, at)) return at;
  return source.machine.root as AnyStateNode;
}

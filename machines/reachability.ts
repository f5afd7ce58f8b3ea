import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  type AnyTransitionDefinition,
  type ContextFrom,
  type EventFromLogic,
  type EventObject,
  getInitialMicrosteps,
  getMicrosteps,
  getNextTransitions,
  getStateNodes,
  type InputFrom,
} from "xstate";
// oxlint-disable-next-line eslint/no-restricted-imports -- Test support: no machine imports this file.
import { getShortestPaths } from "xstate/graph";

/**
 * Walks a machine along every event it understands: what the tests of all machines ask "is every state reached, and
 * left again?".
 *
 * Owns: the meaning of reached, trapped and unfed.
 * Must not know: any machine in particular.
 * I1. No effect runs: steps are pure, invoked actors are never started, timers never armed.
 * I2. A timer (`after`) may fire, and an actor fail (`onError`), at any moment its state is active.
 * I3. A state that is only passed through (`always`) counts as reached.
 */

/** What is walked, and with what. */
export interface Walk<Machine extends AnyStateMachine> {
  readonly input?: InputFrom<Machine> | undefined;
  /** Samples: each is sent in every state that understands its type. Several of one type are all tried. */
  readonly events: readonly EventFromLogic<Machine>[];
  /** Guards that only the runtime can answer: both answers are tried wherever they stand. At the start they hold. */
  readonly openGuards?: readonly string[] | undefined;
  /** The part of the context by which snapshots differ, where all of it would be too many. Default: all of it. */
  readonly distinguish?: ((context: ContextFrom<Machine>) => unknown) | undefined;
  /** Steps after which the walk throws, because the context never repeats. Default 100,000. */
  readonly limit?: number | undefined;
}

/** A state and a shortest way to get stuck in it. */
export interface Trap {
  readonly state: string;
  readonly after: readonly string[];
}

/** What a walk found. States are named as in `"busy.running"`, in the order of the machine. */
export interface Reachability {
  /** Leaf states that were active at some time. */
  readonly reached: readonly string[];
  /** States, leaves or not, that never were. */
  readonly unreached: readonly string[];
  /** States that can be entered so that nothing ever leaves them. Final states, and states that end in one, are none. */
  readonly trapped: readonly Trap[];
  /** Event types a reached state understands and no sample was given for: nothing is known of what they do. */
  readonly unfed: readonly string[];
}

/**
 * Explores a machine from its start. A test expects `unreached`, `trapped` and `unfed` to be empty.
 *
 * @example
 * expect(explore(doorMachine, { events: [{ type: "door.open" }, { type: "door.close" }] })).toEqual({
 *   reached: ["closed", "open"], unreached: [], trapped: [], unfed: [],
 * });
 */
export function explore<Machine extends AnyStateMachine>(
  machine: Machine,
  walk: Walk<Machine>,
): Reachability {
  const openGuards = walk.openGuards ?? [];
  const guards = openGuards.map((name) => [name, ({ event }: { event: object }) => isHeld(event, name)]);
  const opened = machine.provide({ guards: Object.fromEntries(guards) }) as AnyStateMachine;
  const feed = createFeed(opened, walk.events, openGuards);
  const distinguish = walk.distinguish ?? ((context) => context);
  const keyOf = ({ value, status, context }: AnyMachineSnapshot): string =>
    JSON.stringify([value, status, distinguish(context)]);

  const paths = getShortestPaths(opened, {
    input: walk.input,
    events: feed.eventsFor,
    serializeState: keyOf,
    limit: walk.limit ?? 100_000,
  });
  const spots = new Map<string, Spot>();
  const reached = new Set<AnyStateNode>();
  for (const [snapshot] of getInitialMicrosteps(opened, walk.input)) note(snapshot, reached);
  for (const { state, steps } of paths) {
    const snapshot = state as AnyMachineSnapshot;
    if (snapshot.status === "error") throw snapshot.error;
    note(snapshot, reached);
    const nexts = feed.eventsFor(snapshot).map((event) => {
      const passed = getMicrosteps(opened, snapshot, event).map(([step]) => step as AnyMachineSnapshot);
      for (const step of passed) note(step, reached);
      return keyOf(passed.at(-1) ?? snapshot);
    });
    const after = steps.slice(1).map(({ event }) => event.type);
    spots.set(keyOf(snapshot), { nodes: new Set(activeIn(snapshot)), nexts, after });
  }

  const nodes = descendantsOf(opened.root);
  return {
    reached: nodes.filter((node) => isLeaf(node) && reached.has(node)).map(nameOf),
    unreached: nodes.filter((node) => !reached.has(node)).map(nameOf),
    trapped: nodes.flatMap((node) => trapIn(node, spots) ?? []),
    unfed: [...feed.unfed].toSorted(),
  };
}

/** Names the state a snapshot is in, as the walk does: `"busy.running"`. */
export function stateOf(snapshot: AnyMachineSnapshot): string {
  return activeIn(snapshot).filter(isLeaf).map(nameOf).join(" ");
}

/** One distinct snapshot: what is active in it, where each event leads from it, and the events that led to it. */
interface Spot {
  readonly nodes: ReadonlySet<AnyStateNode>;
  readonly nexts: readonly string[];
  readonly after: readonly string[];
}

/** A shortest way into `node` from which no event leads out of it, if there is one. */
function trapIn(node: AnyStateNode, spots: ReadonlyMap<string, Spot>): Trap | undefined {
  if (node.type === "final") return undefined;
  const inside = [...spots].filter(([, spot]) => spot.nodes.has(node));
  const leaving = new Set(
    inside.filter(([, { nodes }]) => [...nodes].some(({ type }) => type === "final")).map(([key]) => key),
  );
  for (let known = -1; known < leaving.size;) {
    known = leaving.size;
    for (const [key, { nexts }] of inside) {
      if (nexts.some((next) => leaving.has(next) || !spots.get(next)?.nodes.has(node))) leaving.add(key);
    }
  }
  const stuck = inside.find(([key]) => !leaving.has(key));
  return stuck && { state: nameOf(node), after: stuck[1].after };
}

/** The field of an event that lists the open guards that hold while it is handled. */
const heldGuards = "reachability.heldGuards";

function isHeld(event: object, guard: string): boolean {
  const held = (event as Record<string, unknown>)[heldGuards];
  return Array.isArray(held) ? held.includes(guard) : true;
}

interface Feed {
  readonly eventsFor: (snapshot: AnyMachineSnapshot) => readonly EventObject[];
  readonly unfed: ReadonlySet<string>;
}

function createFeed(
  machine: AnyStateMachine,
  samples: readonly EventObject[],
  openGuards: readonly string[],
): Feed {
  const unfed = new Set<string>();
  const automatic = descendantsOf(machine.root).flatMap((node) => node.always ?? []);
  const eventsFor = (snapshot: AnyMachineSnapshot): readonly EventObject[] => {
    if (snapshot.status !== "active") return [];
    const byType = Map.groupBy(getNextTransitions(snapshot), ({ eventType }) => eventType);
    return [...byType].flatMap(([type, candidates]) => {
      if (type === "" || type.startsWith("xstate.done.state.")) return [];
      const events = eventsOf(type, samples);
      if (events.length === 0) unfed.add(type);
      const asked = openGuards.filter((name) => asks([...candidates, ...automatic], name));
      return events.flatMap((event) => answersTo(asked).map((held) => ({ ...event, [heldGuards]: held })));
    });
  };
  return { eventsFor, unfed };
}

function eventsOf(type: string, samples: readonly EventObject[]): readonly EventObject[] {
  const matching = samples.filter((sample) =>
    type.endsWith("*") ? sample.type.startsWith(type.slice(0, -1)) : sample.type === type,
  );
  if (matching.length > 0) return matching;
  if (type.startsWith("xstate.after.")) return [{ type }];
  if (type.startsWith("xstate.error.actor.") && !type.endsWith("*"))
    return [{ type, error: "broken" } as EventObject];
  return [];
}

function asks(transitions: readonly AnyTransitionDefinition[], guard: string): boolean {
  return transitions.some((transition) => {
    const asked: unknown = transition.guard;
    return asked === guard || (asked as { type?: unknown } | undefined)?.type === guard;
  });
}

/** Every set of guards that may hold: none, each, … all. */
function answersTo(guards: readonly string[]): readonly (readonly string[])[] {
  return guards.reduce<readonly (readonly string[])[]>(
    (sets, guard) => [...sets, ...sets.map((set) => [...set, guard])],
    [[]],
  );
}

function note(snapshot: AnyMachineSnapshot, reached: Set<AnyStateNode>): void {
  for (const node of activeIn(snapshot)) reached.add(node);
}

function activeIn({ machine, value }: AnyMachineSnapshot): readonly AnyStateNode[] {
  return getStateNodes(machine.root, value);
}

function descendantsOf(node: AnyStateNode): readonly AnyStateNode[] {
  return Object.values(node.states).flatMap((child: AnyStateNode) => [child, ...descendantsOf(child)]);
}

function isLeaf(node: AnyStateNode): boolean {
  return Object.keys(node.states).length === 0;
}

function nameOf(node: AnyStateNode): string {
  return node.path.join(".");
}

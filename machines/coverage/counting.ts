import { type AnyStateNode, type AnyTransitionDefinition, StateNode } from "xstate";
import { transitionIdOf } from "../draw/chart-model.ts";

/**
 * Counts what machines do, whoever runs them: XState's interpreter, or a form compiled from their nodes.
 *
 * Owns: how a machine is made to count.
 * Must not know: any machine in particular, tests, files.
 * I1. A machine that is not counted is left as it is, and so is everything while nobody counts.
 * I2. Counted machines take the same steps: what counts is one more action on each entry and transition, without effect.
 * I3. What counts is evaluated with the step, so pure walks over a machine count too.
 */

/** How often each state was entered and each transition taken, by the ids they have in their chart. */
export type Tally = Map<string, number>;

interface Counting {
  readonly tally: Tally;
  readonly machineIds: ReadonlySet<string>;
}
/** The type of the action that counts. */
const countType = "coverage.count";
const countingKey = Symbol.for("lanekeeper.coverage");
/** What reads a state's transitions from its config, when its machine is created. */
const readKey = "_initialize";
interface NodeKind {
  [readKey](this: AnyStateNode): void;
  [countingKey]?: Counting;
}

/** Counts from now on what machines of these ids do that are created from now on; an earlier call counts no more. */
export function startCounting(machineIds: Iterable<string>): Tally {
  const tally: Tally = new Map();
  const nodes = StateNode.prototype as unknown as NodeKind;
  if (nodes[countingKey] === undefined) {
    const read = nodes[readKey];
    nodes[readKey] = function (this: AnyStateNode) {
      read.call(this);
      if (nodes[countingKey]!.machineIds.has(this.machine.id)) mark(this, nodes);
    };
  }
  nodes[countingKey] = { tally, machineIds: new Set(machineIds) };
  return tally;
}

function mark(node: AnyStateNode, nodes: NodeKind): void {
  const countOf = (id: string) => ({
    type: countType,
    params: () => {
      const { tally } = nodes[countingKey]!;
      tally.set(id, (tally.get(id) ?? 0) + 1);
    },
  });
  node.machine.implementations.actions[countType] ??= () => {};
  // The interpreter reads the node's entry, compilers that of its config: there are no timers in that.
  node.entry.unshift(countOf(node.id));
  node.config = { ...node.config, entry: [countOf(node.id), ...[node.config.entry ?? []].flat()] };
  for (const choices of [...node.transitions.values(), node.always ?? []]) {
    for (const [index, transition] of (choices as AnyTransitionDefinition[]).entries()) {
      transition.actions = [countOf(transitionIdOf(node, transition, index)), ...transition.actions];
    }
  }
}

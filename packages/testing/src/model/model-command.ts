import * as fc from "fast-check";
import type { Receipt } from "lanekeeper";
import type { ModelItem, ModelTurn } from "./model-state.ts";
import type { ModelWorld } from "./model-world.ts";
import { observeModel, observeWorld } from "./observe.ts";
import type { ReferenceModel } from "./reference-model.ts";

/** One command on a keeper and on the reference model. */
export type ModelCommand = fc.AsyncCommand<ReferenceModel, ModelWorld>;

/** The sessions that commands are about: two agents', and one that has heartbeats. */
export const modelSessions = ["agent:x:main", "agent:x:other", "agent:y:main"] as const;
/** The agent whose heartbeats are asked for, and its session. */
export const beating = { agent: "x", session: modelSessions[0] } as const;

/** A command: what it does to the model and to the keeper, each saying what the caller was answered. */
interface Definition<Data> {
  readonly name: string;
  readonly data: fc.Arbitrary<Data>;
  /** Whether it means anything now. */
  isPossible?(model: ReferenceModel, data: Data): boolean;
  inModel(model: ReferenceModel, data: Data): unknown;
  inWorld(world: ModelWorld, data: Data, model: ReferenceModel): Promise<unknown>;
}

/** Makes a command of a definition. */
export function define<Data>(definition: Definition<Data>): fc.Arbitrary<ModelCommand> {
  const { name, data: arbitrary, isPossible = () => true, inModel, inWorld } = definition;
  return arbitrary.map((data) => ({
    // The parameter is a copy by type alone: a class with private members has no such type.
    check: (model) => isPossible(model as ReferenceModel, data),
    async run(model, world) {
      // The keeper first: what a command is about is chosen by what the model knew before.
      model.step++;
      const answer = await inWorld(world, data, model);
      const expected = inModel(model, data);
      // So that what one command begins and the next begins is not due at one instant.
      model.advance(1);
      await world.time.advance(1);
      const seen = await observeWorld(world, modelSessions);
      assertAlike({ answer: expected, ...observeModel(model, modelSessions) }, { answer, ...seen });
    },
    toString: () => (data === undefined ? name : `${name} ${JSON.stringify(data)}`),
  }));
}

/** Fails with what differs. */
function assertAlike(expected: object, seen: object): void {
  const lines = differences(expected, seen, "");
  if (lines.length > 0) throw new Error(`the keeper does not do what the rules say:\n${lines.join("\n")}`);
}

function differences(expected: unknown, seen: unknown, path: string): readonly string[] {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(seen)];
  if (a === b) return [];
  if (isObject(expected) && isObject(seen)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(seen)]);
    return [...keys].flatMap((key) => differences(expected[key], seen[key], `${path}/${key}`));
  }
  return [`  ${path}: expected ${a}, was ${b}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export const session = fc.constantFrom(...modelSessions);
export const at = fc.nat(20);
export const rank = fc.constantFrom(2, 2, 2, 1, 0);
export const group = fc.constantFrom(undefined, undefined, undefined, "batch");
export function priorityOf(level: number): "background" | "normal" | "foreground" {
  return level === 0 ? "background" : level === 1 ? "normal" : "foreground";
}
export const nothing = fc.constant(undefined);

/** The one of a list that a number means. */
export function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length]!;
}
/** Work of which a sender may hold a receipt; of what was put back, the latest. */
export function received({ items }: ReferenceModel): readonly ModelItem[] {
  const latest = new Map(items.map((item) => [`${item.input.session} ${item.id}`, item]));
  return [...latest.values()].filter(({ input }) => input.type !== "completion");
}
export const hasCode = ({ codes }: ReferenceModel): boolean => codes.length > 0;
/** A turn that was not told to stop, and is no heartbeat's: what comes of that has another origin. */
export const isPersons = ({ abort, cause }: ModelTurn): boolean =>
  abort === undefined && cause !== "heartbeat";
/** A sender has a receipt, or was refused. */
export const asSender = (answer: string): string =>
  ["accepted", "duplicate", "dropped"].includes(answer) ? "receipt" : answer;

export function keep(world: ModelWorld, answer: Receipt | string): string {
  if (typeof answer === "string") return answer;
  world.keep(answer);
  return "receipt";
}

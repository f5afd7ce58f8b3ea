import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type AnyStateMachine, assign, createActor, fromCallback, setup, SimulatedClock } from "xstate";
import { compileLogic } from "./compiled-logic.ts";

/** A state to be drawn: its children come after it, and everything names others by their number. */
interface Drawn {
  readonly parent: number;
  readonly events: Readonly<Record<string, DrawnTransition>>;
  readonly always: DrawnTransition | undefined;
  readonly afterMs: number;
  readonly after: DrawnTransition;
  readonly isInvoking: boolean;
}
interface DrawnTransition {
  /** The number of the target, or nothing for a transition that stays. */
  readonly target: number | undefined;
  readonly reenter: boolean;
  readonly isGuarded: boolean;
}

const transition: fc.Arbitrary<DrawnTransition> = fc.record({
  target: fc.option(fc.nat(9), { nil: undefined }),
  reenter: fc.boolean(),
  isGuarded: fc.boolean(),
});
const descriptors = ["a", "a.b", "a.*", "a.b.*", "*"];
const types = ["a", "a.b", "a.b.c", "ab", "b"];
const drawing: fc.Arbitrary<readonly Drawn[]> = fc.array(
  fc.record({
    parent: fc.nat(9),
    events: fc.dictionary(fc.constantFrom(...descriptors), transition, { maxKeys: 4 }),
    always: fc.option(transition, { nil: undefined, freq: 3 }),
    afterMs: fc.integer({ min: 1, max: 3 }),
    after: transition,
    isInvoking: fc.boolean(),
  }),
  { minLength: 2, maxLength: 8 },
);

/** The machine of a drawing. Its effects say what they are into the log. */
function chartOf(drawn: readonly Drawn[], log: unknown[]): AnyStateMachine {
  const parentOf = (index: number): number => ((drawn[index]?.parent ?? 0) % (index + 1)) - 1;
  const childrenOf = (parent: number): number[] =>
    drawn.map((_, index) => index).filter((index) => parentOf(index) === parent);
  const transitionOf = (from: Drawn, { target, reenter, isGuarded }: DrawnTransition) => ({
    ...(target === undefined ? {} : { target: `#s${target % drawn.length}`, reenter }),
    ...(isGuarded ? { guard: "isEven" } : {}),
    actions: ["count", { type: "say", params: { from: drawn.indexOf(from) } }],
  });
  const stateOf = (index: number): object => {
    const state = drawn[index]!;
    const children = childrenOf(index);
    return {
      id: `s${index}`,
      entry: [{ type: "say", params: { entry: index } }],
      exit: [{ type: "say", params: { exit: index } }],
      ...(state.isInvoking
        ? {
            invoke: {
              id: `c${index}`,
              src: "callback",
              input: ({ context }: Args) => ({ index, ...context }),
            },
          }
        : {}),
      on: Object.fromEntries(
        Object.entries(state.events).map(([type, to]) => [type, transitionOf(state, to)]),
      ),
      // At most a few: an eventless step spends what events bring.
      ...(state.always === undefined
        ? {}
        : {
            always: {
              target: `#s${(state.always.target ?? 0) % drawn.length}`,
              reenter: state.always.reenter,
              guard: "hasFuel",
              actions: "burn",
            },
          }),
      after: { [state.afterMs]: transitionOf(state, state.after) },
      ...(children.length === 0 ? {} : statesOf(children)),
    };
  };
  const statesOf = (children: readonly number[]) => ({
    initial: `s${children[0]}`,
    states: Object.fromEntries(children.map((child) => [`s${child}`, stateOf(child)])),
  });
  const machine: unknown = setup({
    types: { context: {} as Args["context"] },
    actors: {
      callback: fromCallback<{ type: string }, { index: number }>(({ input }) => {
        log.push(["start", input]);
        return () => log.push(["cleanup", input]);
      }),
    },
    actions: {
      say: ({ context, event }, params: object) => void log.push([params, { ...context }, event.type]),
      count: assign(({ context }) => ({ ...context, count: context.count + 1, fuel: 2 })),
      burn: assign(({ context }) => ({ ...context, fuel: context.fuel - 1 })),
    },
    guards: {
      isEven: ({ context }) => context.count % 2 === 0,
      hasFuel: ({ context }) => context.fuel > 0,
    },
  }).createMachine({ id: "random", context: { count: 0, fuel: 0 }, ...statesOf(childrenOf(-1)) } as never);
  return machine as AnyStateMachine;
}
interface Args {
  readonly context: { readonly count: number; readonly fuel: number };
}

it("runs any chart of nested states, reentries, wildcards and eventless steps as the interpreter does (I1, I2)", () => {
  fc.assert(
    fc.property(drawing, fc.array(fc.constantFrom(1, ...types), { maxLength: 20 }), (drawn, life) => {
      const clock = new SimulatedClock();
      const logs: [unknown[], unknown[]] = [[], []];
      const interpreted = createActor(chartOf(drawn, logs[0]), { clock });
      const logic = compileLogic(chartOf(drawn, logs[1]), {
        post: (task, a, b) => task(a, b),
        arm: (delayMs, task, a) => {
          const timer = clock.setTimeout(() => task(a), delayMs);
          return { cancel: () => clock.clearTimeout(timer) };
        },
      });
      const compiled = createActor(logic, { input: undefined });
      const actors = [interpreted, compiled] as const;
      for (const actor of actors) actor.start();
      // The first step's effects come before its callbacks start, not after: the same ones, in another order.
      const [first, second] = logs.map((log) =>
        log
          .splice(0)
          .map((entry) => JSON.stringify(entry))
          .toSorted(),
      );
      expect(second).toEqual(first);
      for (const step of life) {
        if (typeof step === "number") clock.increment(step);
        else for (const actor of actors) actor.send({ type: step });
        expect(logs[1]).toEqual(logs[0]);
        expect(compiled.getSnapshot().value).toEqual(interpreted.getSnapshot().value);
        expect(compiled.getSnapshot().context).toEqual(interpreted.getSnapshot().context);
      }
      for (const actor of actors) actor.stop();
      expect(logs[1]).toEqual(logs[0]);
    }),
    { numRuns: 300 },
  );
});

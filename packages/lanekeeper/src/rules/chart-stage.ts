import {
  type AnyActorLogic,
  type AnyStateMachine,
  assign,
  createActor,
  fromCallback,
  setup,
  stopChild,
} from "xstate";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import { compileLogic } from "../xstate/compiled-logic.ts";

/** How a callback of a chart says something. */
export type SendBack = (event: { readonly type: string }) => void;

/** What a test may give a chart besides its states: each of these names says what it did into the log. */
export interface Cast {
  readonly start?: (sendBack: SendBack, name: string) => void;
  readonly cleanup?: (name: string) => void;
  readonly act?: (name: string) => void;
  readonly guard?: () => boolean;
  readonly delay?: () => number;
  readonly input?: () => unknown;
}

/** A chart that runs. */
export interface Running {
  /** What its parent was told. */
  readonly told: readonly { readonly type: string; readonly error?: unknown }[];
  status(): string;
  value(): unknown;
  context(): unknown;
  /** Sends events one after the other; says what was done. */
  send(...types: readonly string[]): readonly string[];
  /** Lets the parent stop it; says what was done. */
  stop(): readonly string[];
}

/** Where charts run, and what they all did. */
export interface Stage {
  readonly log: readonly string[];
  readonly clock: SimulatedClock;
  /** A chart of these states; `top` is what its root has besides. */
  chart(states: object, cast?: Cast, top?: object): AnyStateMachine;
  compile(machine: AnyStateMachine): AnyActorLogic;
  /** Starts a chart as the child "child" of a parent. */
  run(machine: AnyStateMachine, logic?: AnyActorLogic): Running;
  /** Runs what waits in the queue. */
  drain(): void;
}

/** A stage on which charts run compiled, each below a parent that records what it is told of them. */
export function createStage(): Stage {
  const log: string[] = [];
  const clock = createSimulatedClock();
  const queue: (() => void)[] = [];
  const drain = () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) task();
  };
  const chart = (states: object, cast: Cast = {}, top: object = {}): AnyStateMachine => {
    const play = (name: string) =>
      fromCallback<{ type: string }>(({ sendBack }) => {
        log.push(`+${name}`);
        cast.start?.(sendBack, name);
        return () => {
          log.push(`-${name}`);
          cast.cleanup?.(name);
        };
      });
    const machine: unknown = setup({
      types: { context: {} as { readonly count: number } },
      actors: { one: play("one"), two: play("two") },
      actions: {
        say: (_, word: string) => {
          log.push(word);
          cast.act?.(word);
        },
        count: assign(({ context }) => ({ count: context.count + 1 })),
      },
      guards: { isOpen: () => cast.guard?.() ?? true, isClosed: () => false },
      delays: { soon: () => cast.delay?.() ?? 10 },
    }).createMachine({ id: "chart", context: { count: 0 }, initial: "a", states, ...top } as never);
    return machine as AnyStateMachine;
  };
  const compile = (machine: AnyStateMachine): AnyActorLogic =>
    compileLogic(machine, {
      post: (task, a, b) => void queue.push(() => task(a, b)),
      arm: (delayMs, task, a) => {
        const timer = clock.setTimeout(() => {
          queue.push(() => task(a));
          drain();
        }, delayMs);
        return { cancel: () => clock.clearTimeout(timer) };
      },
    });
  const run = (machine: AnyStateMachine, logic: AnyActorLogic = compile(machine)): Running => {
    const told: { readonly type: string; readonly error?: unknown }[] = [];
    const parent = createActor(
      setup({
        actors: { logic },
        actions: { note: ({ event }) => void told.push(event) },
      }).createMachine({
        initial: "with",
        on: { "*": { actions: "note" } },
        states: {
          with: { on: { stop: { actions: stopChild("child") } }, invoke: { id: "child", src: "logic" } },
        },
      }),
    ).start();
    const child = parent.getSnapshot().children["child"]!;
    drain();
    return {
      told,
      status: () => (child.getSnapshot() as { readonly status: string }).status,
      value: () => (child.getSnapshot() as { readonly value: unknown }).value,
      context: () => (child.getSnapshot() as { readonly context: unknown }).context,
      send: (...types: readonly string[]): string[] => {
        const mark = log.length;
        for (const type of types) {
          child.send({ type });
          drain();
        }
        return log.slice(mark);
      },
      stop: (): string[] => {
        const mark = log.length;
        parent.send({ type: "stop" });
        drain();
        return log.slice(mark);
      },
    };
  };
  return { log, clock, chart, compile, run, drain };
}

/** An action that puts a word into the log. */
export const say = (word: string) => ({ type: "say", params: word });
/** An invoked callback of this name. */
export const invoke = (name: string, more: object = {}) => ({ id: name, src: name, ...more });
/** A state that has everything that must be cleaned up. */
export const full = { invoke: [invoke("one"), invoke("two")], after: { soon: { target: "b" } } };

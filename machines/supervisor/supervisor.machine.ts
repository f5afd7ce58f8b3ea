import { assign, setup } from "xstate";
import {
  createSupervisorContext,
  isQuiescent,
  recordCrash,
  recordTurns,
  type SupervisorContext,
} from "./supervisor.logic.ts";

/** What the supervisor understands. */
export type SupervisorEvent =
  | { readonly type: "execution.ended"; readonly execId: string }
  | { readonly type: "turns.changed"; readonly turns: number }
  | { readonly type: "keeper.drain" }
  | { readonly type: "keeper.close" }
  | { readonly type: "keeper.emptied" }
  | { readonly type: "xstate.error.actor.lane"; readonly error: unknown; readonly actorId: string }
  | { readonly type: "xstate.done.actor.lane"; readonly actorId: string };

/**
 * The supervisor: starts lanes, finds them, puts them to sleep, rebuilds one that a bug ended, and routes each
 * command's completion to the lane of the session that started it. Lanes are its children but live in the runtime's
 * registry, never in its snapshot.
 */
export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
  },
  actions: {
    recordCrash: assign(({ context }) => recordCrash(context)),
    recordTurns: assign(({ context }, params: { turns: number }) => recordTurns(context, params)),
    routeCompletion: (_, _params: { execId: string }) => {},
    rebuildLane: (_, _params: { actorId: string; error: unknown }) => {},
    dropLane: (_, _params: { actorId: string }) => {},
    holdDispatch: () => {},
    tellDrained: () => {},
    closeLanes: () => {},
    stopLanes: () => {},
  },
  guards: {
    isQuiescent: ({ context }) => isQuiescent(context),
  },
}).createMachine({
  id: "supervisor",
  description:
    "Owns routing and lifetimes: it starts, finds, restarts and puts lanes to sleep, contains a crash of one, and routes each completion to the session that started the command.",
  context: () => createSupervisorContext(),
  initial: "serving",
  on: {
    "execution.ended": {
      actions: { type: "routeCompletion", params: ({ event }) => ({ execId: event.execId }) },
    },
    "turns.changed": {
      actions: { type: "recordTurns", params: ({ event }) => ({ turns: event.turns }) },
    },
    "xstate.error.actor.*": {
      actions: [
        "recordCrash",
        { type: "rebuildLane", params: ({ event }) => ({ actorId: event.actorId, error: event.error }) },
      ],
    },
    "xstate.done.actor.*": {
      actions: { type: "dropLane", params: ({ event }) => ({ actorId: event.actorId }) },
    },
  },
  states: {
    serving: {
      description: "Accepts work and runs it.",
      on: {
        "keeper.drain": { target: "draining", actions: "holdDispatch" },
        "keeper.close": { target: "closing", actions: "holdDispatch" },
      },
    },
    draining: {
      description: "Accepts nothing new and starts nothing new; waits for the turns that run. One-way.",
      on: { "keeper.close": { target: "closing" } },
      initial: "waiting",
      states: {
        waiting: {
          description: "Turns still run.",
          always: { guard: "isQuiescent", target: "drained", actions: "tellDrained" },
        },
        drained: {
          description: "No turn runs. What waits stays in the store.",
        },
      },
    },
    closing: {
      description: "Running turns and commands were told to stop and have their grace.",
      entry: "closeLanes",
      on: { "keeper.emptied": { target: "closed" } },
    },
    closed: {
      description: "Nothing runs, nothing is armed, every promise is settled.",
      entry: "stopLanes",
      type: "final",
    },
  },
});

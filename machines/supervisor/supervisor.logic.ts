import { Immer } from "immer";

/**
 * The pure half of the supervisor.
 *
 * I1. The context is JSON and does not grow with the number of sessions.
 * I2. Every function returns a new context or the same one.
 */

const { produce } = new Immer({ autoFreeze: false });

/** The context of the supervisor. */
export interface SupervisorContext {
  /** Lanes that a bug ended and that were rebuilt from the store. */
  readonly crashes: number;
  /** Turns that have not ended yet: what `drain` and `close` wait for. */
  readonly turns: number;
}

/** The context of a supervisor that has just been started. */
export function createSupervisorContext(): SupervisorContext {
  return { crashes: 0, turns: 0 };
}

/** Counts one more lane that a bug ended. */
export function recordCrash(context: SupervisorContext): SupervisorContext {
  return produce(context, (draft) => {
    draft.crashes += 1;
  });
}

/** Notes how many turns hold a slot now. */
export function recordTurns(
  context: SupervisorContext,
  params: { readonly turns: number },
): SupervisorContext {
  return produce(context, (draft) => {
    draft.turns = params.turns;
  });
}

/** No turn holds a slot. */
export function isQuiescent(context: SupervisorContext): boolean {
  return context.turns === 0;
}

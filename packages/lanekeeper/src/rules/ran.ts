import { bodies, type HeldTurn } from "./fixture.ts";

/** The bodies of the messages of each turn that started, in order. */
export function ran(turns: readonly HeldTurn[]): readonly (readonly unknown[])[] {
  return turns.map(({ turn }) => bodies(turn));
}

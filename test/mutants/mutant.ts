/** A change of one file: a text that occurs there exactly once, and what takes its place. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A deliberately broken variant: a small mistake in a rule, of the kind that somebody who changes the code makes. */
export interface Mutant extends Edit {
  /** Unique, for the command line and the table. */
  readonly name: string;
  /** The rules that it breaks, the one it is about first. */
  readonly rules: readonly string[];
  /** What it does wrong, in one line. */
  readonly change: string;
  /** Edits that the mistake takes besides, so that it compiles. */
  readonly also?: readonly Edit[];
  /** Test files that notice it, the most telling first: each is run until one fails. */
  readonly kills: readonly string[];
}

/** Tests of the runtime's rules, by the names of their files in `packages/lanekeeper/src/rules`. */
export function rules(...names: readonly string[]): readonly string[] {
  return names.map((name) => `packages/lanekeeper/src/rules/${name}.test.ts`);
}

/** Tests that cross packages, by their place in `test`. */
export function crossing(...names: readonly string[]): readonly string[] {
  return names.map((name) => `test/${name}.test.ts`);
}

/** Tests beside the file that they test, by their place in `packages/lanekeeper/src`. */
export function units(...names: readonly string[]): readonly string[] {
  return names.map((name) => `packages/lanekeeper/src/${name}.test.ts`);
}

/** Tests of the charts, by their place in `machines`. */
export function charts(...names: readonly string[]): readonly string[] {
  return names.map((name) => `machines/${name}.test.ts`);
}

import { capacityMutants } from "./capacity.ts";
import { heartbeatMutants } from "./heartbeats.ts";
import { laneMutants } from "./lanes.ts";
import { lockMutants } from "./locks.ts";
import { modelMutants } from "./models.ts";
import type { Mutant } from "./mutant.ts";
import { queueModeMutants } from "./queue-modes.ts";
import { routingMutants } from "./routing.ts";
import { storeMutants } from "./store.ts";
import { timeMutants } from "./time.ts";
import { turnMutants } from "./turns.ts";

/** Mutants that are listed, tried and told of together. */
export interface Catalogue {
  /** For the command line. */
  readonly name: string;
  /** The table that says what noticed each of them, beside this file. */
  readonly table: string;
  readonly title: string;
  /** What they are, for whoever reads the table. */
  readonly about: string;
  readonly mutants: readonly Mutant[];
}

/** The runtime with a rule broken. */
const runtimeCatalogue: Catalogue = {
  name: "runtime",
  table: "README.md",
  title: "Mutants of the runtime",
  about: `Each line is the runtime with one small mistake in it, and the test that noticed. A mutant is a patch (\`mutant.ts\`), in a file
by area; \`npm run mutants\` makes it in a copy of the repository, compiles it, runs the test files it names, the most telling
first, and fails where none of them does. What does not compile is an error, no kill. The ordinary tests check in
milliseconds that each patch still applies, that every rule has one, and that this table is that of the list.

StrykerJS was tried first and not taken. 10.1.1 stops at TypeScript 7 unless the tsconfig is hidden from it, and, by its own
notes, its type checker wants TypeScript 6 beside it and knows no project references: without it what does not compile counts
as killed. The 52 mutants of one file of 82 lines took it seven minutes on two cores (all were killed), and the runtime has
some two hundred files. And it swaps operators, where what matters here is a rule that somebody got wrong.`,
  mutants: [
    ...laneMutants,
    ...turnMutants,
    ...queueModeMutants,
    ...routingMutants,
    ...heartbeatMutants,
    ...lockMutants,
    ...capacityMutants,
    ...storeMutants,
    ...timeMutants,
  ],
};

/** The reference model with a rule got wrong. */
const modelCatalogue: Catalogue = {
  name: "model",
  table: "model.md",
  title: "Mutants of the reference model",
  about: `The model is what the keeper is held to, so it must not be wrong either: each line is the model with one rule got wrong, and
the property that noticed that a keeper which is right does something else.`,
  mutants: modelMutants,
};

/** Every catalogue. */
export const catalogues: readonly Catalogue[] = [runtimeCatalogue, modelCatalogue];

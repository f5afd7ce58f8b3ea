import type { Mutant } from "./mutant.ts";
import { applyMutant, MutantError } from "./patch.ts";
import { findTypeErrors, runTestFile } from "./test-run.ts";

/** What became of a mutant. */
export interface Verdict {
  readonly mutant: Mutant;
  /** The test that noticed it, and its file; undefined: it survived. */
  readonly killer: Killer | undefined;
  /** From the patch to the verdict. */
  readonly seconds: number;
}

/** What noticed a mutant. */
export interface Killer {
  readonly file: string;
  readonly test: string;
}

/** Said instead of a test's name where the file had to be ended, because the broken code never gave way. */
const hangs = "hangs";

/**
 * Tries a mutant in a copy of the repository, which is as before afterwards. Throws a `MutantError` where the patch does
 * not apply or does not compile, and where a file fails without a failing test: that is no kill.
 */
export async function tryMutant(root: string, mutant: Mutant): Promise<Verdict> {
  const startedAt = performance.now();
  const takeBack = await applyMutant(root, mutant);
  try {
    const typeErrors = await findTypeErrors(root);
    if (typeErrors !== undefined)
      throw new MutantError(`${mutant.name}: the patch does not compile.\n${typeErrors}`);
    const killer = await findKiller(root, mutant);
    return { mutant, killer, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await takeBack();
  }
}

async function findKiller(root: string, { name, kills }: Mutant): Promise<Killer | undefined> {
  for (const file of kills) {
    const run = await runTestFile(root, file);
    switch (run.status) {
      case "passed":
        break;
      case "failed":
        return { file, test: run.test };
      case "hung":
        return { file, test: hangs };
      case "broken":
        throw new MutantError(`${name}: ${file} failed without a failing test.\n${run.message}`);
    }
  }
  return undefined;
}

import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { readOptions } from "../../.tools/read-options.ts";
import { type Catalogue, catalogues } from "./catalogue.ts";
import type { Mutant } from "./mutant.ts";
import { MutantError } from "./patch.ts";
import { mergeRows, renderTable } from "./table.ts";
import { findTypeErrors, runTestFile } from "./test-run.ts";
import { tryMutant, type Verdict } from "./trial.ts";
import { copyRepository } from "./workspace.ts";

const help = `Usage: npm run mutants -- [--catalogue <name>] [--only <name>]... [--list]

Breaks rules on purpose, one at a time and in copies of the repository, and fails unless the tests notice every time.
Afterwards the catalogue's committed table says which test it was.

  --catalogue  ${catalogues.map(({ name }) => name).join(", ")}; without it all of them
  --only       tries this mutant alone; may be given more than once
  --list       the mutants, and nothing else
  --help       this text
`;

const repository = fileURLToPath(new URL("../..", import.meta.url));
/** Copies of the repository in which mutants are tried at the same time. */
const mostCopies = Math.min(2, availableParallelism());

const options = readOptions(
  {
    catalogue: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
    list: { type: "boolean", default: false },
  },
  help,
);
const { catalogue: wanted, only } = options;

const names = new Set(catalogues.flatMap(({ mutants }) => mutants.map(({ name }) => name)));
const unknown = only.filter((name) => !names.has(name));
if (unknown.length > 0) {
  process.stderr.write(`No mutant is called ${unknown.join(", ")}; --list gives them all.\n`);
  process.exitCode = 2;
} else if (options.list) listMutants();
else process.exitCode = await tryAll();

function chosenIn({ name, mutants }: Catalogue): readonly Mutant[] {
  if (wanted !== undefined && wanted !== name) return [];
  return only.length === 0 ? mutants : mutants.filter((mutant) => only.includes(mutant.name));
}

function listMutants(): void {
  for (const catalogue of catalogues) {
    for (const { name, rules, change } of chosenIn(catalogue))
      process.stdout.write(`${catalogue.name}  ${name}  (${rules.join(", ")})  ${change}\n`);
  }
}

/** Tries all that were chosen, writes the tables, and gives the exit code. */
async function tryAll(): Promise<number> {
  const chosen = catalogues.flatMap(chosenIn);
  if (chosen.length === 0) {
    process.stderr.write(
      "No catalogue is called so, or it has none of these mutants; --list gives them all.\n",
    );
    return 2;
  }
  const verdicts: Verdict[] = [];
  const errors: string[] = [];
  const waiting = [...chosen];
  // What is under way ends, what it said is written down, and the copies are removed.
  process.once("SIGINT", () => waiting.splice(0));
  const tryNext = async (root: string): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      try {
        const verdict = await tryMutant(root, mutant);
        verdicts.push(verdict);
        say(verdicts.length + errors.length, chosen.length, verdict);
      } catch (error) {
        if (!(error instanceof MutantError)) throw error;
        errors.push(error.message);
        process.stdout.write(`ERROR  ${error.message}\n`);
      }
    }
  };
  await using copies = new AsyncDisposableStack();
  const roots = await Promise.all(
    Array.from({ length: Math.min(mostCopies, chosen.length) }, async () => {
      const copy = await copyRepository(repository);
      return copies.use(copy).root;
    }),
  );
  await assertSound(roots, chosen);
  await Promise.all(roots.map(tryNext));
  for (const catalogue of catalogues) await writeTable(catalogue, verdicts);
  const survivors = verdicts.filter(({ killer }) => killer === undefined);
  process.stdout.write(
    `${verdicts.length - survivors.length} noticed, ${survivors.length} survived, ${errors.length} could not be tried\n`,
  );
  for (const { mutant } of survivors) process.stdout.write(`SURVIVED  ${mutant.name}: ${mutant.change}\n`);
  return survivors.length + errors.length === 0 ? 0 : 1;
}

/** Throws unless all compiles and passes as it is: what fails anyway notices nothing. */
async function assertSound(roots: readonly string[], mutants: readonly Mutant[]): Promise<void> {
  const files = [...new Set(mutants.flatMap(({ kills }) => kills))];
  process.stdout.write(`${files.length} test files without any mutant …\n`);
  const runNext = async (root: string): Promise<void> => {
    const typeErrors = await findTypeErrors(root);
    if (typeErrors !== undefined) throw new Error(`The repository does not compile.\n${typeErrors}`);
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      const run = await runTestFile(root, file);
      if (run.status !== "passed")
        throw new Error(`${file} does not pass without any mutant: ${JSON.stringify(run)}`);
    }
  };
  await Promise.all(roots.map(runNext));
}

function say(done: number, all: number, { mutant, killer, seconds }: Verdict): void {
  const took = `${seconds.toFixed(1)} s`;
  const place = `${String(done).padStart(String(all).length)}/${all}`;
  process.stdout.write(
    killer === undefined
      ? `${place}  SURVIVED  ${mutant.name}  ${took}\n`
      : `${place}  noticed   ${mutant.name}  ${took}  ${killer.file}: ${killer.test}\n`,
  );
}

async function writeTable(catalogue: Catalogue, verdicts: readonly Verdict[]): Promise<void> {
  const own = verdicts.filter(({ mutant }) => catalogue.mutants.includes(mutant));
  if (own.length === 0) return;
  const path = fileURLToPath(new URL(catalogue.table, import.meta.url));
  const committed = await readFile(path, "utf8").catch(() => "");
  await writeFile(path, renderTable(catalogue, mergeRows(committed, own)));
}

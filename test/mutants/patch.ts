import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Edit, Mutant } from "./mutant.ts";

/** A mutant that cannot be tried: its text is not there, or it does not compile. */
export class MutantError extends Error {
  override readonly name = "MutantError";
}

/** The text with an edit made. Throws a `MutantError` that names the mutant unless the text to find occurs exactly once. */
export function edited(source: string, { file, find, replace }: Edit, name: string): string {
  const [before, after, ...others] = source.split(find);
  if (before === undefined || after === undefined || others.length > 0) {
    const count = others.length + (after === undefined ? 0 : 1);
    throw new MutantError(
      `${name}: the text to find occurs ${count} times in ${file} and must occur once. Bring the mutant up to date: ${JSON.stringify(find)}`,
    );
  }
  if (find === replace) throw new MutantError(`${name}: the edit of ${file} changes nothing.`);
  return before + replace + after;
}

/** The edits of a mutant, by file and in order. */
export function editsOf({ file, find, replace, also = [] }: Mutant): ReadonlyMap<string, readonly Edit[]> {
  return Map.groupBy([{ file, find, replace }, ...also], (edit) => edit.file);
}

/** Makes a mutant's edits below a directory. The function returned takes them back. */
export async function applyMutant(root: string, mutant: Mutant): Promise<() => Promise<void>> {
  const originals = new Map<string, string>();
  const changed = new Map<string, string>();
  for (const [file, edits] of editsOf(mutant)) {
    const path = join(root, file);
    const source = await readFile(path, "utf8");
    originals.set(path, source);
    changed.set(
      path,
      edits.reduce((text, edit) => edited(text, edit, mutant.name), source),
    );
  }
  const writeAll = async (texts: ReadonlyMap<string, string>): Promise<void> => {
    for (const [path, text] of texts) await writeFile(path, text);
  };
  await writeAll(changed);
  return () => writeAll(originals);
}

import { randomUUID } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tally } from "./counting.ts";
import { partOf, type SuitePart } from "./suite-part.ts";

/** How often each part of the suite entered a state or took a transition. */
export type PartCounts = Partial<Record<SuitePart, number>>;

/** What the name of a tally ends in. */
const wholeEnd = ".json";

interface TallyFile {
  readonly test: string;
  readonly counts: readonly (readonly [id: string, count: number])[];
}

/** Leaves a process's tally in a folder, beside those of others. At once, for a process that ends. */
export function leaveTally(folder: string, test: string, tally: Tally): void {
  if (tally.size === 0) return;
  const file: TallyFile = { test, counts: [...tally] };
  const path = join(folder, randomUUID());
  writeFileSync(path, JSON.stringify(file));
  // A process that is killed meanwhile leaves a part: only a whole one has the name that is read.
  renameSync(path, `${path}${wholeEnd}`);
}

/** Adds up the tallies in a folder. Paths of tests are taken below `root`. */
export async function addTallies(folder: string, root: string): Promise<ReadonlyMap<string, PartCounts>> {
  const sums = new Map<string, PartCounts>();
  for (const name of await readdir(folder)) {
    if (!name.endsWith(wholeEnd)) continue;
    const { test, counts } = JSON.parse(await readFile(join(folder, name), "utf8")) as TallyFile;
    const part = partOf(test.slice(root.length + 1));
    for (const [id, count] of counts) {
      const sum = sums.get(id) ?? {};
      sum[part] = (sum[part] ?? 0) + count;
      sums.set(id, sum);
    }
  }
  return sums;
}

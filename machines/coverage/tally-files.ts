import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tally } from "./counting.ts";
import { partOf, type SuitePart } from "./suite-part.ts";

/** How often each part of the suite entered a state or took a transition. */
export type PartCounts = Partial<Record<SuitePart, number>>;

interface TallyFile {
  readonly test: string;
  readonly counts: readonly (readonly [id: string, count: number])[];
}

/** Leaves a process's tally in a folder, beside those of others. At once, for a process that ends. */
export function leaveTally(folder: string, test: string, tally: Tally): void {
  if (tally.size === 0) return;
  const file: TallyFile = { test, counts: [...tally] };
  writeFileSync(join(folder, `${randomUUID()}.json`), JSON.stringify(file));
}

/** Adds up the tallies in a folder. Paths of tests are taken below `root`. */
export async function addTallies(folder: string, root: string): Promise<ReadonlyMap<string, PartCounts>> {
  const sums = new Map<string, PartCounts>();
  for (const name of await readdir(folder)) {
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

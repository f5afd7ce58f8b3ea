import { access, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { catalogues } from "./catalogue.ts";
import { about, incidents } from "./incidents.ts";
import type { Mutant } from "./mutant.ts";
import { edited, editsOf } from "./patch.ts";
import { readTable } from "./table.ts";

const root = new URL("../../", import.meta.url);
const read = (file: string): Promise<string> => readFile(new URL(file, root), "utf8");

/** The numbers of the rules that are built. */
async function readRules(): Promise<readonly string[]> {
  const [built = ""] = (await read("packages/lanekeeper/docs/behaviour.md")).split("\n## Not yet\n");
  return Array.from(built.matchAll(/^(B\d+[a-z]?)\. /gm), ([, rule]) => rule!);
}

/** What keeps patches from applying, each exactly once. */
async function findFaults(mutants: readonly Omit<Mutant, "kills">[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const mutant of mutants) {
    for (const [file, edits] of editsOf({ ...mutant, kills: [] })) {
      const source = await read(file).catch(() => "");
      try {
        edits.reduce((text, edit) => edited(text, edit, mutant.name), source);
      } catch (error) {
        faults.push(String(error));
      }
    }
  }
  return faults;
}

describe("the incidents", () => {
  it("have patches that apply, each exactly once", async () => {
    expect(await findFaults(incidents)).toEqual([]);
  });

  it("are all in the table that is committed", async () => {
    const table = await read("test/mutants/incidents.md");
    const told = Array.from(table.matchAll(/^## (.+)$/gm), ([, name]) => name);
    expect(told).toEqual(incidents.map(({ name }) => name));
    expect(table.slice(0, about.length)).toBe(about);
  });
});

describe.each(catalogues)("the catalogue $name", ({ mutants, table }) => {
  it("has patches that apply, each exactly once", async () => {
    expect(await findFaults(mutants)).toEqual([]);
  });

  it("names every mutant once, and names no patch twice", () => {
    const names = mutants.map(({ name }) => name);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    const patches = mutants.map((mutant) => JSON.stringify([...editsOf(mutant)]));
    expect(new Set(patches).size).toBe(patches.length);
  });

  it("names rules and test files that there are", async () => {
    const rules = await readRules();
    expect(mutants.filter(({ rules: own }) => !own.every((rule) => rules.includes(rule)))).toEqual([]);
    const files = new Set(mutants.flatMap(({ kills }) => kills));
    for (const file of files)
      await expect(access(fileURLToPath(new URL(file, root)))).resolves.toBe(undefined);
    expect(mutants.filter(({ kills }) => kills.length === 0)).toEqual([]);
  });

  it("has the table that is committed, without a survivor", async () => {
    const rows = readTable(await read(`test/mutants/${table}`));
    expect([...rows.values()].map((cells) => cells.slice(0, 4))).toEqual(
      mutants.map(({ name, rules, change }, index) => [String(index + 1), name, rules.join(", "), change]),
    );
    const killers = mutants.map(({ name, kills }) =>
      kills.some((file) => rows.get(name)?.[4]?.startsWith(`${file}: `) === true),
    );
    expect(mutants.filter((_, index) => !killers[index]).map(({ name }) => name)).toEqual([]);
  });
});

it("every rule that is built has a mutant", async () => {
  const broken = new Set(catalogues.flatMap(({ mutants }) => mutants).flatMap(({ rules }) => rules));
  const rules = await readRules();
  expect(rules.length).toBeGreaterThan(60);
  expect(rules.filter((rule) => !broken.has(rule))).toEqual([]);
});

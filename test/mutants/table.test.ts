import { expect, test } from "vitest";
import type { Catalogue } from "./catalogue.ts";
import type { Mutant } from "./mutant.ts";
import { mergeRows, readTable, renderTable } from "./table.ts";

const mutantNamed = (name: string): Mutant => ({
  name,
  rules: ["B1", "B2"],
  change: `what ${name} does | wrong`,
  file: "a.ts",
  find: "one",
  replace: "two",
  kills: ["a.test.ts"],
});
const mutants = ["first", "second", "third"].map(mutantNamed);
const catalogue: Catalogue = { name: "c", table: "c.md", title: "Title", about: "About.", mutants };
const verdictOn = (mutant: Mutant, noticedBy?: string) => ({
  mutant,
  killer: noticedBy === undefined ? undefined : { file: "a.test.ts", test: noticedBy },
  seconds: 1.26,
});

test("a table says what noticed each mutant, and reads back as it was written", () => {
  const rows = mergeRows("", [
    verdictOn(mutants[0]!, "B1: counts | once"),
    verdictOn(mutants[1]!),
    verdictOn(mutants[2]!, "t"),
  ]);
  const table = renderTable(catalogue, rows);
  expect(table).toContain("3 mutants, 2 noticed");
  expect([...readTable(table).values()]).toEqual([
    ["1", "first", "B1, B2", "what first does | wrong", "a.test.ts: B1: counts | once", "1.3"],
    ["3", "third", "B1, B2", "what third does | wrong", "a.test.ts: t", "1.3"],
  ]);
});

test("a new verdict replaces the row there was, and a survivor loses its row", () => {
  const before = renderTable(
    catalogue,
    mergeRows(
      "",
      mutants.map((mutant) => verdictOn(mutant, "before")),
    ),
  );
  const rows = mergeRows(before, [verdictOn(mutants[0]!, "after"), verdictOn(mutants[1]!)]);
  expect([...rows].map(([name, { killer }]) => [name, killer.test])).toEqual([
    ["first", "after"],
    ["third", "before"],
  ]);
  const shrunk = { ...catalogue, mutants: [mutants[0]!] };
  expect([...readTable(renderTable(shrunk, rows)).keys()]).toEqual(["first"]);
});

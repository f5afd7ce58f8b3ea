import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Mutant } from "./mutant.ts";
import { applyMutant, edited, editsOf } from "./patch.ts";

const edit = { file: "a.ts", find: "one", replace: "two" };

test("an edit replaces the text that occurs once", () => {
  expect(edited("just one word", edit, "m")).toBe("just two word");
  expect(edited("$& one", { ...edit, replace: "$&$1" }, "m")).toBe("$& $&$1");
});

test.each([
  ["does not occur", "nothing", edit, "occurs 0 times in a.ts"],
  ["occurs twice", "one and one", edit, "occurs 2 times in a.ts"],
  ["is its own replacement", "one", { ...edit, replace: "one" }, "changes nothing"],
])("an edit whose text %s is refused by the mutant's name", (_, source, given, message) => {
  expect(() => edited(source, given, "the-mutant")).toThrow(
    expect.objectContaining({ name: "MutantError", message: expect.stringContaining(message) }),
  );
  expect(() => edited(source, given, "the-mutant")).toThrow(/^the-mutant: /);
});

test("a mutant's edits are made in their files, in order, and taken back", async () => {
  const root = await mkdtemp(join(tmpdir(), "lanekeeper-patch-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const text = (file: string) => readFile(join(root, file), "utf8");
  await writeFile(join(root, "a.ts"), "one\n");
  await writeFile(join(root, "b.ts"), "three\n");
  const mutant: Mutant = {
    ...edit,
    name: "m",
    rules: ["B1"],
    change: "c",
    kills: [],
    also: [
      { file: "b.ts", find: "three", replace: "four" },
      { file: "a.ts", find: "two", replace: "five" },
    ],
  };
  expect([...editsOf(mutant)].map(([file, edits]) => [file, edits.length])).toEqual([
    ["a.ts", 2],
    ["b.ts", 1],
  ]);
  const takeBack = await applyMutant(root, mutant);
  expect([await text("a.ts"), await text("b.ts")]).toEqual(["five\n", "four\n"]);
  await takeBack();
  expect([await text("a.ts"), await text("b.ts")]).toEqual(["one\n", "three\n"]);
});

test("a mutant one of whose edits does not apply changes no file", async () => {
  const root = await mkdtemp(join(tmpdir(), "lanekeeper-patch-"));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, "a.ts"), "one\n");
  await writeFile(join(root, "b.ts"), "");
  const also = [{ file: "b.ts", find: "three", replace: "four" }];
  const mutant: Mutant = { ...edit, name: "m", rules: ["B1"], change: "c", kills: [], also };
  await expect(applyMutant(root, mutant)).rejects.toThrow("occurs 0 times in b.ts");
  await expect(readFile(join(root, "a.ts"), "utf8")).resolves.toBe("one\n");
});

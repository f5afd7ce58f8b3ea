import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drawFiles, findStaleFiles, writeFiles } from "./chart-files.ts";
import { sampleMachine } from "./sample.machine.ts";

const files = await drawFiles({ name: "sample", machine: sampleMachine });

describe("generated files", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "charts-"));
    await mkdir(join(folder, "sample"));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it("are a picture and a page in the machine's folder", () => {
    expect(files.map(({ path }) => path)).toEqual([
      join("sample", "sample.svg"),
      join("sample", "README.md"),
    ]);
  });

  it("pass the check once written", async () => {
    await writeFiles(files, folder);
    expect(await findStaleFiles(files, folder)).toEqual([]);
  });

  it("fail the check when one was changed or is missing, one line each", async () => {
    expect(await findStaleFiles(files, folder)).toHaveLength(2);
    await writeFiles(files, folder);
    await writeFile(join(folder, "sample", "README.md"), "by hand");
    expect(await findStaleFiles(files, folder)).toEqual([
      `${join("sample", "README.md")} is not what its machine draws`,
    ]);
  });
});

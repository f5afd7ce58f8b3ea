import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};
/** Every file that a script of the repository starts with Node; the command line has tests of its own. */
const files = new Set(
  Object.values(scripts)
    .flatMap((script) => [...script.matchAll(/\bnode (?:--\S+ )*(\S+\.ts)/g)].map(([, file]) => file!))
    .filter((file) => !file.startsWith("packages/cli/")),
);

function run(file: string, option: string): Promise<readonly [exitCode: unknown, out: string, err: string]> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--expose-gc", file, option], { cwd: root }, (error, out, err) =>
      resolve([error?.code ?? 0, out, err]),
    );
  });
}

it("finds the scripts of the repository", () => {
  expect([...files]).toEqual(expect.arrayContaining(["machines/draw/main.ts", "test/mutants/main.ts"]));
});

it.concurrent.each([...files])(
  "%s refuses an unknown option, in one line and with exit code 2",
  async (file) => {
    const line = "Unknown option '--bogus'; --help says what there is.\n";
    expect(await run(file, "--bogus")).toEqual([2, "", line]);
  },
);

it.concurrent.each([...files])("%s says with --help how it is used", async (file) => {
  const [exitCode, out, err] = await run(file, "--help");
  expect([exitCode, err]).toEqual([0, ""]);
  expect(out).toMatch(/^Usage: npm run \S+(?:.|\n)*--help +this text\n$/);
});

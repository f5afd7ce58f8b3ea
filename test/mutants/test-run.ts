import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** How a run of one test file ended. */
export type TestRun =
  | { readonly status: "passed" }
  | { readonly status: "failed"; readonly test: string; readonly message: string }
  /** It did not end in time: the code under test never gives way. */
  | { readonly status: "hung" }
  /** No test failed, and yet the run did: the file does not load, or an error was thrown outside of any test. */
  | { readonly status: "broken"; readonly message: string };

/** Milliseconds until a test that waits for ever has failed, and until a file that never gives way is ended. */
const testLimitMs = 20_000;
const fileLimitMs = 180_000;

interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs one test file of a repository by vitest, up to its first failure. */
export async function runTestFile(root: string, file: string): Promise<TestRun> {
  const report = join(root, "node_modules", ".mutant-report.json");
  await rm(report, { force: true });
  const { output, isLate } = await runNode(root, fileLimitMs, [
    "node_modules/vitest/vitest.mjs",
    ...["run", file],
    // In threads, which end with their process, whatever they are doing.
    ...["--pool", "threads", "--max-workers", "1", "--bail", "1", "--test-timeout", String(testLimitMs)],
    ...["--reporter", "json", "--output-file", report],
  ]);
  if (isLate) return { status: "hung" };
  const text = await readFile(report, "utf8").catch(() => undefined);
  if (text === undefined) return { status: "broken", message: output };
  const { success, testResults } = JSON.parse(text) as Report;
  const failed = testResults.flatMap(({ assertionResults }) => assertionResults).find(isFailure);
  if (failed !== undefined) {
    return { status: "failed", test: failed.fullName.trim(), message: failed.failureMessages.join("\n") };
  }
  if (success && testResults.length > 0) return { status: "passed" };
  return { status: "broken", message: testResults.map(({ message }) => message).join("\n") || output };
}

/** Type-checks and builds the packages of a repository; what the compiler says if they do not compile. */
export async function findTypeErrors(root: string): Promise<string | undefined> {
  const { output, failed } = await runNode(root, fileLimitMs, [
    "node_modules/typescript/bin/tsc",
    ...["-b", "machines", "packages/lanekeeper", "packages/testing", "packages/cli"],
  ]);
  return failed ? output : undefined;
}

function isFailure({ status }: { readonly status: string }): boolean {
  return status === "failed";
}

function runNode(
  cwd: string,
  timeout: number,
  args: readonly string[],
): Promise<{ readonly output: string; readonly failed: boolean; readonly isLate: boolean }> {
  return new Promise((resolve) => {
    const options = { cwd, timeout, killSignal: "SIGKILL", maxBuffer: 1 << 26 } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ output: stdout + stderr, failed: error !== null, isLate: error?.killed === true }),
    );
  });
}

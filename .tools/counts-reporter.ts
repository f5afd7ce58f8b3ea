import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/**
 * Prints `N passed, N failed` as the very last line of a run, whatever its end.
 *
 * A file that could not be loaded and an error outside of any test count as one failure each, so that the line never
 * says `0 failed` about a run that failed. A run in which no test ran fails.
 */
export class CountsReporter implements Reporter {
  #passed = 0;
  #failed = 0;

  onInit(): void {
    process.once("exit", () => {
      if (this.#passed === 0) process.exitCode ||= 1;
      writeSync(1, `${this.#passed} passed, ${this.#failed} failed\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#passed = 0;
    this.#failed = unhandledErrors.length;
    for (const module of modules) {
      const failedTests = [...module.children.allTests("failed")].length;
      this.#passed += [...module.children.allTests("passed")].length;
      this.#failed += failedTests === 0 && module.state() === "failed" ? 1 : failedTests;
    }
  }
}

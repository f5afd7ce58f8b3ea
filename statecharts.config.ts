import { join } from "node:path";
import { configDefaults, defineConfig, type UserWorkspaceConfig } from "vitest/config";
import suite from "./vitest.config.ts";

const projects = (suite.test?.projects ?? []) as readonly UserWorkspaceConfig[];

// The whole suite, counting what it takes of the statecharts. Not what draws them: machines that count have marks.
export default defineConfig({
  test: {
    ...suite.test,
    projects: projects.map(({ test }) => ({
      test: {
        ...test,
        exclude: [
          ...(test?.exclude ?? configDefaults.exclude),
          "draw/**",
          "coverage/**",
          "system/charts.test.ts",
        ],
        setupFiles: [join(import.meta.dirname, "machines/coverage/vitest-setup.ts")],
      },
    })),
  },
});

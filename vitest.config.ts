import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { CountsReporter } from "./.tools/counts-reporter.ts";

// Only what hangs is to fail by these: how fast the machine is says nothing about a test.
const unitTimeout = 60_000;
const systemTimeout = 60_000;

export default defineConfig({
  test: {
    reporters: ["default", new CountsReporter()],
    coverage: {
      provider: "v8",
      include: ["machines/**/*.ts", "packages/*/src/**/*.ts"],
      exclude: ["**/*.test.ts", "**/dist/**", "machines/draw/**"],
    },
    projects: [
      { test: { name: "machines", root: "machines", include: ["**/*.test.ts"], testTimeout: unitTimeout } },
      {
        test: {
          name: "lanekeeper",
          root: "packages/lanekeeper",
          include: ["src/**/*.test.ts"],
          testTimeout: unitTimeout,
        },
      },
      {
        test: {
          name: "testing",
          root: "packages/testing",
          include: ["src/**/*.test.ts"],
          testTimeout: unitTimeout,
        },
      },
      {
        test: {
          name: "redis",
          root: "packages/redis",
          include: ["src/**/*.test.ts"],
          testTimeout: unitTimeout,
        },
      },
      {
        test: {
          name: "sqlite",
          root: "packages/sqlite",
          include: ["src/**/*.test.ts"],
          testTimeout: unitTimeout,
        },
      },
      {
        test: { name: "cli", root: "packages/cli", include: ["src/**/*.test.ts"], testTimeout: unitTimeout },
      },
      {
        test: {
          name: "test",
          root: "test",
          include: ["**/*.test.ts"],
          exclude: ["system/**", "redis/**", "node_modules/**"],
          testTimeout: unitTimeout,
        },
      },
      {
        test: {
          name: "redis-server",
          root: "test",
          include: ["redis/**/*.test.ts"],
          globalSetup: [join(import.meta.dirname, "test/redis/provide-redis.ts")],
          testTimeout: systemTimeout,
          hookTimeout: systemTimeout,
        },
      },
      {
        test: {
          name: "system",
          root: "test",
          include: ["system/**/*.test.ts"],
          // Concurrent tests here are real processes: a core each.
          maxConcurrency: 2,
          testTimeout: systemTimeout,
          hookTimeout: systemTimeout,
        },
      },
    ],
  },
});

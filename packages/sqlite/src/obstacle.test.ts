import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { findObstacle, forbiddenWriting } from "./obstacle.ts";

// What a test can put in a file's way for real is in the tests of durability. These take another system, or its superuser.
it.each([
  ["EROFS", "it is on a file system that is mounted read-only", "mount it writable"],
  ["EPERM", "it is marked as not to be changed", "chattr -i"],
])("tells %s from a file's mode", (code, what, advice) => {
  const obstacle = forbiddenWriting("it", code, "644");
  expect(obstacle).toMatchObject({ reason: "read-only", what });
  expect(obstacle.advice).toContain(advice);
});

it("finds nothing in the way of a file that this process may write", () => {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "store.db");
  expect(findObstacle(path)).toBeUndefined();
  writeFileSync(path, "");
  expect(findObstacle(path)).toBeUndefined();
});

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { findQuickCommand } from "./quick-command.ts";

it.each([
  ["of this machine", process.env["PATH"]],
  ["where the path has no echo", "/nowhere"],
])("finds a program that prints its argument %s", (_, searchPath) => {
  const { command, args } = findQuickCommand(searchPath);
  expect(execFileSync(command, args("message-7"), { encoding: "utf8" }).trim()).toBe("message-7");
});

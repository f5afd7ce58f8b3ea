import { expect, it } from "vitest";
import { nodeFault } from "./node-version.ts";

it.each(["22.16.0", "22.17.1", "24.0.0", "25.1.0-nightly"])("Node.js %s will do", (version) => {
  expect(nodeFault(version)).toBe(undefined);
});

it.each(["20.20.2", "22.15.9", "18.0.0"])("Node.js %s is told what is needed", (version) => {
  expect(nodeFault(version)).toBe(
    `lanekeeper needs Node.js 22.16 or later, and this is ${version}. Install a newer one (https://nodejs.org).`,
  );
});

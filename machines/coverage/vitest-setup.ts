import * as fc from "fast-check";
import { afterAll, expect } from "vitest";
import { orderVariable, readOrder } from "./coverage-order.ts";
import { startCounting } from "./counting.ts";
import { leaveTally } from "./tally-files.ts";

// Runs before each test file of a run that counts. Nothing here may import a machine: one that exists does not count.

const order = readOrder(process.env);
if (order !== undefined) {
  const tally = startCounting(order.machineIds);
  // The same run every time, so that what is rare is not now there and now not.
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_260_101 });
  const test = expect.getState().testPath ?? "";
  // Whatever this test file starts counts for it.
  process.env[orderVariable] = JSON.stringify({ ...order, test });
  const preload = `--import=${new URL("node-setup.ts", import.meta.url).href}`;
  process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, preload]
    .filter((part) => part !== undefined)
    .join(" ");
  afterAll(() => leaveTally(order.folder, test, tally));
}

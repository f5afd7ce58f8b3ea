import { readOrder } from "./coverage-order.ts";
import { startCounting } from "./counting.ts";
import { leaveTally } from "./tally-files.ts";

// Loaded by Node before whatever a test starts in a process of its own. One that is killed leaves no tally.

const order = readOrder(process.env);
if (order !== undefined) {
  const tally = startCounting(order.machineIds);
  process.on("exit", () => leaveTally(order.folder, order.test ?? "", tally));
}

import { memoryLeases, memoryStore } from "lanekeeper/ports";
import { describeLeases } from "./leases-conformance.ts";

describeLeases("memory", (clock) => memoryLeases(() => clock));
describeLeases("those of an open memory store", async (clock) => {
  const store = memoryStore();
  await store.open({ clock, createId: () => "unused" });
  return store.leases;
});

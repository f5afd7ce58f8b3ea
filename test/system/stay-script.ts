import { createLanekeeper } from "lanekeeper";

// Does nothing but look after a moment, by a timer that does not keep the process alive, whether it is still there.
// Given "keeper", a keeper with nothing to do is open meanwhile; it is closed by that timer.

const keeper = process.argv.includes("keeper") ? await createLanekeeper({ turn: () => "ok" }) : undefined;
process.stdout.write("opened\n");
const look = setTimeout(() => {
  process.stdout.write("still there\n");
  void keeper?.close().then(() => process.stdout.write("closed\n"));
}, 200);
look.unref();

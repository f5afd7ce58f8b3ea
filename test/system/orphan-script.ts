import { sqliteStore } from "@lanekeeper/sqlite";
import { scriptStore } from "@lanekeeper/testing";
import { createLanekeeper } from "lanekeeper";

// Opens a keeper on the store file of its first argument, starts the commands from the third on (shell scripts) in a session
// each, prints their process ids once all run, and goes on until it is killed. With "unrecorded" the store never gets to know
// who their processes are: no command counts as started, and nothing is printed.

const [path, mode, ...scripts] = process.argv.slice(2) as [string, "recorded" | "unrecorded", ...string[]];
const store = scriptStore(sqliteStore(path), (step) =>
  step === "recordProcess" && mode === "unrecorded" ? { fault: "never-arrives" } : undefined,
);
const keeper = await createLanekeeper({ store, turn: () => "done" });
const started = scripts.map((script, index) => keeper.exec(`session-${index}`, "sh", ["-c", script]));
const pids = (await Promise.all(started)).map(({ pid }) => pid);
process.stdout.write(`${JSON.stringify(pids)}\n`);

import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper } from "lanekeeper";

// Opens a keeper on the store file of its first argument, starts the commands of the others (shell scripts) in a session each,
// prints their process ids once all run, and goes on until it is killed.

const [path, ...scripts] = process.argv.slice(2) as [string, ...string[]];
const keeper = await createLanekeeper({ store: sqliteStore(path), turn: () => "done" });
const started = scripts.map((script, index) => keeper.exec(`session-${index}`, "sh", ["-c", script]));
const pids = (await Promise.all(started)).map(({ pid }) => pid);
process.stdout.write(`${JSON.stringify(pids)}\n`);

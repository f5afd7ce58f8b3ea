import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { findGroup, killGroup } from "./process-group.ts";
import { openProcessTable } from "./process-table.ts";
import type { Processes } from "./processes.ts";

/** Milliseconds after its exit in which what a process wrote may still arrive through pipes that its children hold open. */
const drainMs = 250;

const table = openProcessTable();

/** Real processes: no shell, a process group each, output as UTF-8. */
export const childProcesses: Processes = {
  start: ({ command, args, cwd, env }, listener) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, [...args], {
        cwd,
        env: env === undefined ? process.env : { ...process.env, ...env },
        detached: true,
        shell: false,
        stdio: ["ignore", "pipe", "pipe"],
        windowsHide: true,
      });
      child.once("error", (error) => {
        if (child.pid === undefined) reject(error);
      });
      child.once("spawn", () => {
        const pid = child.pid!;
        for (const stream of [child.stdout, child.stderr]) {
          const decoder = new StringDecoder("utf8");
          const tell = (text: string): void => {
            if (text !== "") listener.output(text);
          };
          stream.on("data", (chunk: Buffer) => tell(decoder.write(chunk)));
          stream.on("end", () => tell(decoder.end()));
          stream.on("error", () => {});
        }
        let drain: NodeJS.Timeout | undefined;
        child.once("exit", () => {
          // A grandchild may hold the pipes open for ever; the command itself is over.
          drain = setTimeout(() => {
            child.stdout.destroy();
            child.stderr.destroy();
          }, drainMs);
        });
        child.once("close", (exitCode, signal) => {
          clearTimeout(drain);
          listener.ended(exitCode, signal);
        });
        void table
          .markOf(pid)
          .then((mark) => resolve({ pid, mark, kill: (signal) => killGroup(pid, signal) }));
      });
    }),
  async find(identity) {
    const group = findGroup(table, identity);
    return group === undefined ? undefined : { ...identity, kill: (signal) => group.kill(signal) };
  },
};

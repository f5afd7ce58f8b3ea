import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { type FoundGroup, findGroup, findStartedGroup, killGroup, namesOf } from "./process-group.ts";
import { openProcessTable } from "./process-table.ts";
import type { Processes, StartedProcess } from "./processes.ts";

/** Milliseconds after its exit in which what a process wrote may still arrive through pipes that its children hold open. */
const drainMs = 250;

const table = openProcessTable();

/** Real processes: no shell, a process group each, output as UTF-8. */
export const childProcesses: Processes = {
  start: ({ execId, command, args, cwd, env }, listener) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, [...args], {
        cwd,
        env: { ...process.env, ...env, ...namesOf(execId, process.pid) },
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
    return toProcess(findGroup(table, identity));
  },
  async findStarted(execId) {
    return toProcess(findStartedGroup(table, execId));
  },
};

function toProcess(group: FoundGroup | undefined): StartedProcess | undefined {
  return group === undefined ? undefined : { ...group.identity, kill: (signal) => group.kill(signal) };
}

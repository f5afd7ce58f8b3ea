import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a script ended that ran in a process of its own. */
export interface ScriptEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Thrown by a test that cannot go on without what a script should have printed. */
export class ScriptFailed extends Error {
  override readonly name = "ScriptFailed";
}

/** Runs a script with this process's own Node and waits until its process has ended by itself. */
export function runScript(
  script: URL,
  options: { readonly args?: readonly string[]; readonly nodeOptions?: readonly string[] } = {},
): Promise<ScriptEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...(options.nodeOptions ?? []), fileURLToPath(script), ...(options.args ?? [])],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}

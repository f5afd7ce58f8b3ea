import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readOptions } from "../../.tools/read-options.ts";
import { about, type Incident, incidents, parameters } from "./incidents.ts";
import { applyMutant } from "./patch.ts";
import { findTypeErrors } from "./test-run.ts";
import { copyRepository } from "./workspace.ts";

/** How many commands an incident may take at most. */
const mostCommands = 12;
const help = `Usage: npm run incidents

Puts each incident back into a copy of the runtime, and fails unless the reference model finds it within ${parameters.numRuns} runs and shrinks
it to ${mostCommands} commands at most. Then it writes the committed table, test/mutants/incidents.md. Takes some minutes.

  --help  this text
`;
const run = promisify(execFile);
const repository = fileURLToPath(new URL("../..", import.meta.url));
const table = new URL("incidents.md", import.meta.url);

interface Found {
  readonly failed: boolean;
  readonly runs: number;
  readonly commands: readonly string[];
}

async function findIn(root: string, property: string): Promise<Found> {
  const script = join(root, "test/mutants/find-incident.ts");
  const { stdout } = await run(process.execPath, [script, property], { cwd: root, maxBuffer: 1 << 26 });
  return JSON.parse(stdout) as Found;
}

async function tryIncident(root: string, incident: Incident): Promise<Found> {
  const takeBack = await applyMutant(root, { ...incident, kills: [] });
  try {
    const typeErrors = await findTypeErrors(root);
    if (typeErrors !== undefined) throw new Error(`${incident.name} does not compile.\n${typeErrors}`);
    return await findIn(root, incident.property);
  } finally {
    await takeBack();
  }
}

function render(rows: readonly (readonly [Incident, Found])[]): string {
  const sections = rows.map(
    ([{ name, report, rules, change, property }, { runs, commands }]) =>
      `## ${name}\n\n${report}: ${change} (${rules.join(", ")}). The ${property} property failed in run ${runs}; shrunk to ${commands.length} ${commands.length === 1 ? "command" : "commands"}:\n\n\`\`\`text\n${commands.join("\n")}\n\`\`\`\n`,
  );
  return `${about}
${sections.join("\n")}`;
}

async function tryAll(): Promise<void> {
  await using copy = await copyRepository(repository);
  const rows: [Incident, Found][] = [];
  const missed: string[] = [];
  for (const property of new Set(incidents.map((incident) => incident.property))) {
    const { failed } = await findIn(copy.root, property);
    if (failed) throw new Error(`The ${property} property fails without any incident.`);
  }
  for (const incident of incidents) {
    const found = await tryIncident(copy.root, incident);
    rows.push([incident, found]);
    const isFound = found.failed && found.commands.length <= mostCommands;
    if (!isFound) missed.push(incident.name);
    process.stdout.write(
      `${isFound ? "found" : "MISSED"}  ${incident.name}  run ${found.runs}, ${found.commands.length} commands\n`,
    );
  }
  if (missed.length === 0) await writeFile(table, render(rows));
  else process.exitCode = 1;
}

readOptions({}, help);
await tryAll();

import { assembleReleasePlan } from "@changesets/assemble-release-plan";
import { readConfig } from "@changesets/config";
import schema from "@changesets/config/schema.json" with { type: "json" };
import { readChangesets } from "@changesets/read";
import { getPackages } from "@manypkg/get-packages";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readOptions } from "./read-options.ts";

const help = `Usage: npm run changeset:check

Fails on a Changesets config that is wrong or has a key Changesets would pass over, and on a changeset that cannot be read
or names a package the workspace does not have. It reads nothing but files, so it works in any clone, where changeset status
needs the base branch.

  --help  this text
`;
readOptions({}, help);

const root = resolve(import.meta.dirname, "..");

function findUnknownKeys(): readonly string[] {
  const written = JSON.parse(readFileSync(join(root, ".changeset/config.json"), "utf8")) as object;
  return Object.keys(written).filter((key) => key !== "$schema" && !Object.hasOwn(schema.properties, key));
}

/** What the changesets amount to; throws where something is wrong with them. */
async function plan(): Promise<readonly string[]> {
  const packages = await getPackages(root);
  const { config, errors = [], warnings } = await readConfig(root, packages);
  const complaints = [...errors, ...warnings, ...findUnknownKeys().map((key) => `${key}: no such key`)];
  if (config === undefined || complaints.length > 0)
    throw new Error(`.changeset/config.json is wrong:\n${complaints.join("\n")}`);
  const { releases } = assembleReleasePlan(await readChangesets(root), packages, config, undefined);
  return releases
    .filter((release) => release.type !== "none")
    .map(({ name, type, newVersion }) => `${name} ${newVersion} (${type})`);
}

try {
  const releases = await plan();
  console.log(releases.length === 0 ? "nothing to release" : releases.join("\n"));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

import { simulate, type SimulationOptions } from "@lanekeeper/testing";
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/**
 * What the long simulation once took for a broken rule, or what once broke one: the commands as it shrank them. Each file is
 * what `lanekeeper simulate --commands` takes.
 */
const folder = new URL("found/", import.meta.url);

it.each(readdirSync(folder))("breaks no rule any more with %s", async (name) => {
  const options = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as SimulationOptions;
  expect(options.commands?.length).toBeGreaterThan(0);
  const { violations } = await simulate(options);
  expect(violations).toEqual([]);
});

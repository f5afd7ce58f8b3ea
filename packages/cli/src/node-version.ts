import { readFileSync } from "node:fs";

/** What is wrong with a version of Node.js, as the manifest has it; undefined: nothing. Without the check a run fails oddly. */
export function nodeFault(version: string): string | undefined {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { engines } = JSON.parse(text) as { readonly engines: { readonly node: string } };
  const [major, minor] = numbersIn(engines.node);
  const [givenMajor, givenMinor] = numbersIn(version);
  if (givenMajor > major || (givenMajor === major && givenMinor >= minor)) return undefined;
  return `lanekeeper needs Node.js ${major}.${minor} or later, and this is ${version}. Install a newer one (https://nodejs.org).`;
}

function numbersIn(version: string): readonly [number, number] {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version)!;
  return [Number(major), Number(minor)];
}

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { completeOptions, type LanekeeperOptions } from "./options.ts";
import { LanekeeperError } from "./errors.ts";

const turn = (): void => {};
const page = readFileSync(new URL("../../docs/options.md", import.meta.url), "utf8");
/** What the page says of each option. */
const rows = new Map(
  Array.from(
    page.matchAll(/^\| `([\w.]+)` *\| (.*?) *\| (.*?) *\| (.*?) *\|$/gmu),
    ([, name, unit, fallback, what]) => [name!, { unit: unit!, fallback: fallback!, what: what! }] as const,
  ),
);

const { capacity, lane, exec, heartbeats, ...keeper } = completeOptions({
  turn,
  heartbeats: [{ agent: "main", everyMs: 1_000 }],
});
/** The real defaults, where they are values that a page can say. */
const defaults: Readonly<Record<string, unknown>> = Object.fromEntries(
  [
    ...Object.entries(keeper),
    ...Object.entries(lane).map(([name, value]) => [`lane.${name}`, value]),
    ...Object.entries(lane.retry).map(([name, value]) => [`lane.retry.${name}`, value]),
    ...Object.entries(exec).map(([name, value]) => [`exec.${name}`, value]),
    ...Object.entries(heartbeats[0]!).map(([name, value]) => [`heartbeats.${name}`, value]),
  ].filter(([, value]) => ["number", "string", "boolean"].includes(typeof value)),
);
/** These are a sentence on the page, or required. */
const told: Readonly<Record<string, string>> = {
  instance: "no option: made for each keeper",
  "heartbeats.agent": "required",
  "heartbeats.everyMs": "required",
  "heartbeats.sessionKey": "`agent:<agent>:main`",
};

/** The members that an object of options has, by what the refusal of an unknown one tells. */
function membersOf(options: object): readonly string[] {
  try {
    completeOptions(options as LanekeeperOptions);
  } catch (error) {
    if (error instanceof LanekeeperError) return error.details["known"] as readonly string[];
  }
  throw new Error("an unknown option was taken");
}

describe("options.md", () => {
  it("lists every option there is, and no other", () => {
    const surprise = 1;
    const named = (prefix: string, options: object): readonly string[] =>
      membersOf({ turn, ...options }).map((name) => `${prefix}${name}`);
    const known = [
      ...named("", { surprise }),
      ...named("capacity.", { capacity: { turns: 1, surprise } }),
      ...named("lane.", { lane: { surprise } }).filter((name) => name !== "lane.retry"),
      ...named("lane.retry.", { lane: { retry: { surprise } } }),
      ...named("heartbeats.", { heartbeats: [{ agent: "a", everyMs: 1, surprise }] }),
      ...named("exec.", { exec: { surprise } }),
    ];
    expect([...rows.keys()].toSorted()).toEqual(known.toSorted());
  });

  it("says the real defaults, as values or as words", () => {
    const said = Object.fromEntries(
      Object.keys(defaults).map((name) => [name, rows.get(name)?.fallback ?? told[name]]),
    );
    const real = Object.entries(defaults).map(([name, value]) => {
      const text = typeof value === "number" ? value.toLocaleString("en") : String(value);
      return [name, told[name] ?? (typeof value === "string" ? `\`${text}\`` : text)];
    });
    expect(said).toEqual(Object.fromEntries(real));
  });

  it("says no number as a default where there is none", () => {
    const numbered = [...rows].filter(([, { fallback }]) => /^[\d,]+$/u.test(fallback)).map(([name]) => name);
    expect(numbered.filter((name) => typeof defaults[name] !== "number")).toEqual([]);
    expect(capacity).toMatchObject({ zombies: capacity.turns, waiting: undefined });
  });

  it("gives a unit of time to what ends in Ms, and to nothing else", () => {
    for (const [name, { unit }] of rows)
      expect({ name, isTime: unit === "ms" }).toEqual({ name, isTime: name.endsWith("Ms") });
  });
});

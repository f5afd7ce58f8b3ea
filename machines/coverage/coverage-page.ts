import { type Chart, type ChartTransition, statesOf, transitionsOf } from "../draw/chart-model.ts";
import { code, table } from "../draw/markdown.ts";
import { sayTransition } from "../draw/sentence.ts";
import { columns, type Coverage, type Magnitudes } from "./coverage.ts";
import { isMagnitude } from "./magnitude.ts";

/** What a page says of one state or transition. */
interface Line {
  readonly id: string;
  /** The cells that name it: all that a reader has to know to find it in the chart. */
  readonly names: readonly string[];
}

/** The command that writes the pages and pictures. */
export const coverageCommand = "npm run statecharts:coverage";

/** Writes the page that shows what the suite takes of a chart. */
export function writePage(chart: Chart, name: string, coverage: Coverage): string {
  const rows = (lines: readonly Line[]): readonly (readonly string[])[] =>
    lines.map(({ id, names }) => {
      const found = coverage.get(id);
      return [...names, ...columns.map((column) => found?.[column] ?? "–")];
    });
  const sections = [
    `<!-- Counted by \`${coverageCommand}\`. Change the machine or its tests, not this file. -->`,
    `# What the tests take of ${chart.name}`,
    `![Statechart of ${chart.name} with what the tests take of it](./${name}.coverage.svg)`,
    "How often one run of the suite entered each state and took each transition: `–` is not once, `10,000+` ten thousand times or more. **behaviour** is the suite without the tests of the chart itself (**charts**): tests of the rules, races by schedulers, simulations, and elsewhere: examples, incidents, conformance, the command line.",
    "## States",
    table(["State", ...columns], rows(stateLines(chart))),
    "## Transitions",
    table(["From", "Transition", "To", ...columns], rows(transitionLines(chart))),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** Reads what a page says of a chart's states and transitions; what the page does not name is left out. */
export function readPage(chart: Chart, page: string): Coverage {
  const known = new Map(namedIn(page));
  return new Map(
    [...stateLines(chart), ...transitionLines(chart)].flatMap(({ id, names }) => {
      const magnitudes = known.get(keyOf(names));
      return magnitudes === undefined ? [] : [[id, magnitudes] as const];
    }),
  );
}

/** Says in one line each what a page names and its chart does not have, or the other way round. */
export function findDifferences(chart: Chart, page: string): readonly string[] {
  const named = namedIn(page).map(([key]) => key);
  const real = [...stateLines(chart), ...transitionLines(chart)].map(({ names }) => keyOf(names));
  return [
    ...real.filter((key) => !named.includes(key)).map((key) => `not counted: ${key}`),
    ...named.filter((key) => !real.includes(key)).map((key) => `no longer there: ${key}`),
  ];
}

/** Names a state or transition as its page does. */
export function nameIn(chart: Chart, id: string): string {
  const line = [...stateLines(chart), ...transitionLines(chart)].find((candidate) => candidate.id === id);
  return line === undefined ? id : keyOf(line.names);
}

function namedIn(page: string): readonly (readonly [key: string, magnitudes: Magnitudes])[] {
  return page.split("\n").flatMap((line) => {
    const cells = line
      .slice(2, -2)
      .split(" | ")
      .map((cell) => cell.trim());
    const counts = cells.slice(-columns.length);
    if (!line.startsWith("| ") || !counts.every(isMagnitude)) return [];
    const magnitudes = Object.fromEntries(columns.map((column, index) => [column, counts[index]]));
    return [[keyOf(cells.slice(0, -columns.length)), magnitudes as Magnitudes] as const];
  });
}

function keyOf(names: readonly string[]): string {
  return names.join(" · ");
}

function stateLines(chart: Chart): readonly Line[] {
  return statesOf(chart.root)
    .slice(1)
    .map(({ id, path }) => ({ id, names: [code(path.join("."))] }));
}

function transitionLines(chart: Chart): readonly Line[] {
  const states = new Map(statesOf(chart.root).map((state) => [state.id, state]));
  const placeOf = (id: string): string => {
    const path = states.get(id)?.path ?? [];
    return path.length === 0 ? "everywhere" : code(path.join("."));
  };
  const transitions = transitionsOf(chart);
  return transitions.map((transition) => {
    const { id, source, targets, trigger } = transition;
    const alternatives = transitions.filter(
      (other) => other.source === source && other.trigger.text === trigger.text,
    );
    const place =
      alternatives.length === 1 ? "" : `, ${alternatives.indexOf(transition) + 1} of ${alternatives.length}`;
    const to = targets.length === 0 ? "stays" : targets.map(placeOf).join(", ");
    return { id, names: [placeOf(source), `${code(say(transition))}${place}`, to] };
  });
}

/** The transition as its picture says it, in one line. */
function say(transition: ChartTransition): string {
  const { lines } = sayTransition(transition, Infinity);
  return lines
    .flat()
    .map(({ text }) => text)
    .join(" ");
}

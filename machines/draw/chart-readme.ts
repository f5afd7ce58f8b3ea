import { type Chart, type ChartState, type ChartTransition, statesOf } from "./chart-model.ts";
import { code, table } from "./markdown.ts";

type Row = readonly [name: string, text: string];

/** Writes the page that shows a chart: its picture, its states and every name it uses, with where. */
export function writeReadme(chart: Chart, name: string): string {
  const states = statesOf(chart.root);
  const sections = [
    `<!-- Drawn from ${name}.machine.ts by \`pnpm charts\`. Change the machine, not this file. -->`,
    `# ${chart.name}`,
    ...(chart.description === undefined ? [] : [escapeMarkdown(chart.description)]),
    `![Statechart of ${chart.name}](./${name}.svg)`,
    `[What the tests take of it](./coverage.md).`,
    "Each edge says `event [guard] / actions`. Dashed edges wait for a delay; `always` edges are taken at once. What a state does without leaving is listed in its box. An edge has the colour of the state it leads to.",
    "## States",
    table(["State", "Meaning"], states.slice(1).map(rowOfState)),
    ...section("Events", "Event", uses(chart, eventsOf)),
    ...section(
      "Guards",
      "Guard",
      uses(chart, (state) => state.transitions.flatMap(({ guard }) => guard?.names ?? [])),
    ),
    ...section("Actions", "Action", uses(chart, actionsOf)),
    ...section(
      "Actors",
      "Actor",
      uses(chart, (state) => state.invokes.map(({ source }) => source)),
    ),
    ...section("Delays", "Delay", uses(chart, delaysOf)),
  ];
  return `${sections.join("\n\n")}\n`;
}

function rowOfState(state: ChartState): Row {
  const kind = { atomic: "", compound: "", parallel: "Parallel.", final: "Final.", history: "History." }[
    state.kind
  ];
  return [
    code(pathOf(state)),
    [escapeMarkdown(state.description ?? ""), kind].filter((text) => text !== "").join(" "),
  ];
}

function eventsOf(state: ChartState): readonly string[] {
  const isNamed = ({ trigger }: ChartTransition): boolean =>
    trigger.kind !== "always" && trigger.kind !== "after";
  return state.transitions.filter(isNamed).map(({ trigger }) => trigger.text);
}

function actionsOf(state: ChartState): readonly string[] {
  const ofTransitions = state.transitions.flatMap(({ actions }) => actions);
  return [...state.entry, ...state.exit, ...state.initialActions, ...ofTransitions].map(({ name }) => name);
}

function delaysOf(state: ChartState): readonly string[] {
  return state.transitions
    .filter(({ trigger }) => trigger.kind === "after")
    .map(({ trigger }) => trigger.name);
}

/** Every name that some state uses, in alphabetical order, with the states that do in the order of the config. */
function uses(chart: Chart, namesOf: (state: ChartState) => readonly string[]): readonly Row[] {
  const places = new Map<string, string[]>();
  for (const state of statesOf(chart.root)) {
    const path = state.path.length === 0 ? "everywhere" : code(pathOf(state));
    for (const name of new Set(namesOf(state))) places.set(name, [...(places.get(name) ?? []), path]);
  }
  const names = [...places].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return names.map(([name, paths]) => [code(name), paths.join(", ")]);
}

function section(title: string, head: string, rows: readonly Row[]): readonly string[] {
  return rows.length === 0 ? [] : [`## ${title}`, table([head, "Where"], rows)];
}

function pathOf(state: ChartState): string {
  return state.path.join(".");
}

function escapeMarkdown(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

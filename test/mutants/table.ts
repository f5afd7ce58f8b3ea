import type { Catalogue } from "./catalogue.ts";
import type { Killer, Verdict } from "./trial.ts";

/** What a table says of a mutant. */
export interface Row {
  readonly killer: Killer;
  readonly seconds: number;
}

const columns = ["", "name", "rules", "what it does wrong", "noticed by", "seconds"] as const;

/** The table of a catalogue, as it is committed: without what was not tried or survived. */
export function renderTable({ title, about, mutants }: Catalogue, rows: ReadonlyMap<string, Row>): string {
  const lines = mutants.flatMap(({ name, rules, change }, index) => {
    const row = rows.get(name);
    if (row === undefined) return [];
    const { killer, seconds } = row;
    const noticedBy = `${killer.file}: ${killer.test}`;
    return [[String(index + 1), name, rules.join(", "), change, noticedBy, seconds.toFixed(1)]];
  });
  return `# ${title}

${about}

${mutants.length} mutants, ${lines.length} noticed. Written by \`npm run mutants\`; do not edit.

${tableOf([columns, ...lines])}
`;
}

/** What a committed table says, by the names of the mutants. */
export function readTable(markdown: string): ReadonlyMap<string, readonly string[]> {
  const rows = markdown
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| --"))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    )
    .slice(1);
  return new Map(rows.map((cells) => [cells[1] ?? "", cells]));
}

/** The rows of a committed table, to which new verdicts are added: each replaces the row it had, and a survivor has none. */
export function mergeRows(markdown: string, verdicts: readonly Verdict[]): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const [name, [, , , , noticedBy = "", seconds = ""]] of readTable(markdown)) {
    const [file = "", ...test] = noticedBy.split(": ");
    rows.set(name, { killer: { file, test: test.join(": ") }, seconds: Number(seconds) });
  }
  for (const { mutant, killer, seconds } of verdicts) {
    if (killer === undefined) rows.delete(mutant.name);
    else rows.set(mutant.name, { killer, seconds });
  }
  return rows;
}

/** A table as the formatter leaves it: padded, a bar within a cell escaped. */
function tableOf(lines: readonly (readonly string[])[]): string {
  const cells = lines.map((line) => line.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = columns.map((_, column) => Math.max(3, ...cells.map((line) => line[column]!.length)));
  const lineOf = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [lineOf(head), lineOf(widths.map((width) => "-".repeat(width))), ...body.map(lineOf)].join("\n");
}

/**
 * Widths of Helvetica's glyphs in thousandths of the font size. Charts are measured by this table and never by the
 * system's fonts, so that they come out the same everywhere.
 */
const glyphs: readonly (readonly [string, number])[] = [
  ["ijl", 222],
  [" ftI!,./:;[]\\|", 278],
  ["()r-`{}", 333],
  ["'\"*", 389],
  ["cksvxyzJ", 500],
  ["abdeghnopquL0123456789_#$?", 556],
  ["FTZ+<=>~^", 611],
  ["ABEKPSVXY&", 667],
  ["CDHNRUw", 722],
  ["GOQ", 778],
  ["mM%", 860],
  ["W@→↻", 980],
];
const table = new Map(
  glyphs.flatMap(([letters, width]) => [...letters].map((letter) => [letter, width] as const)),
);
const unknownWidth = 700;
/** System fonts run a little wider than Helvetica. */
const slack = 1.05;
const boldFactor = 1.08;

/** How a run of text is set. */
export interface Font {
  readonly size: number;
  readonly bold?: boolean;
}

/** Estimates how wide a text is, in pixels. */
export function widthOf(text: string, font: Font): number {
  let units = 0;
  for (const letter of text) units += table.get(letter) ?? unknownWidth;
  return (units / 1000) * font.size * slack * (font.bold === true ? boldFactor : 1);
}

/** Fills lines with parts that must not be broken; a part wider than a line gets one of its own. */
export function fillLines<Part extends { readonly text: string }>(
  parts: readonly Part[],
  font: Font,
  maxWidth: number,
): readonly (readonly Part[])[] {
  const lines: Part[][] = [];
  let width = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    const partWidth = widthOf(` ${part.text}`, font);
    const line = lines.at(-1);
    if (line === undefined || width + partWidth > maxWidth) {
      lines.push([part]);
      width = partWidth;
    } else {
      line.push(part);
      width += partWidth;
    }
  }
  return lines;
}

/** The width of the widest of some lines, in pixels. */
export function widestOf(lines: readonly (readonly { readonly text: string }[])[], font: Font): number {
  return Math.max(0, ...lines.map((line) => widthOf(line.map((part) => part.text).join(" "), font)));
}

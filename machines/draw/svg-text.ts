import type { Point } from "./geometry.ts";
import type { Part, Sentence } from "./sentence.ts";
import { lineHeight } from "./state-box.ts";

/** Writes a number with at most one decimal. */
export function num(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Makes a text safe inside XML. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Draws sentences below each other, the first line's base line at `at`; each carries the id of what it tells. */
export function drawSentences(
  sentences: readonly Sentence[],
  at: Point,
  look: { readonly isCentred: boolean; readonly gap: number; readonly indent: number },
): string {
  let { y } = at;
  const groups = sentences.map((sentence) => {
    const lines = sentence.lines.map((line, index) => {
      const x = at.x + (index === 0 ? 0 : look.indent);
      const text = drawLine(line, { x, y }, look.isCentred);
      y += lineHeight;
      return text;
    });
    y += look.gap;
    const mark =
      sentence.transition === undefined ? "" : ` data-transition="${escapeXml(sentence.transition)}"`;
    return `<g${mark}>${lines.join("")}</g>`;
  });
  return groups.join("");
}

function drawLine(line: readonly Part[], at: Point, isCentred: boolean): string {
  const words = line.map(({ look, text }) => `<tspan class="${look}">${escapeXml(text)}</tspan>`).join(" ");
  return `<text x="${num(at.x)}" y="${num(at.y)}"${isCentred ? ' text-anchor="middle"' : ""}>${words}</text>`;
}

import type { Area } from "./geometry.ts";
import type { Tone } from "./palette.ts";
import type { PlacedState } from "./placed-chart.ts";
import { boxPadding, hangingIndent, nameHeight, rowsTop } from "./state-box.ts";
import { drawSentences, escapeXml, num } from "./svg-text.ts";

/** Draws a state's box with what is written in it; children are drawn over it. */
export function drawState(placed: PlacedState, tone: Tone, isRegion: boolean): string {
  const { state, box, area, textLeft, dot } = placed;
  const isCompound = state.states.length > 0;
  const dashes = isRegion ? ' stroke-dasharray="6 4"' : "";
  const parts = [
    `<rect ${rect(area)} rx="8" fill="${isCompound ? tone.fill : "#ffffff"}" stroke="${tone.line}"${dashes}/>`,
  ];
  if (state.kind === "final")
    parts.push(`<rect ${rect(inset(area, 3))} rx="5" fill="none" stroke="${tone.line}"/>`);
  if (box.sentences.length > 0) {
    const y = num(area.y + nameHeight);
    const end = isCompound ? textLeft + box.width : area.x + area.width;
    parts.push(
      `<path d="M${num(isCompound ? textLeft + boxPadding : area.x)} ${y}H${num(end)}" stroke="${tone.line}" stroke-opacity="0.25"/>`,
    );
  }
  if (dot !== undefined) {
    const radius = dot.width / 2;
    parts.push(
      `<circle cx="${num(dot.x + radius)}" cy="${num(dot.y + radius)}" r="${num(radius)}" fill="#334155"/>`,
    );
  }
  return `<g data-state="${escapeXml(state.id)}">${titleOf(placed)}${parts.join("")}</g>`;
}

/** Draws what is written in a state's box, so that it lies above the edges that pass. */
export function drawStateText({ state, box, area, textLeft }: PlacedState, tone: Tone): string {
  const isCompound = state.states.length > 0;
  const isAlone = !isCompound && box.sentences.length === 0;
  const colour = isCompound ? ` fill="${tone.text}"` : "";
  const halo = isCompound ? ` class="halo" stroke="${tone.fill}"` : "";
  const x = isAlone ? area.x + area.width / 2 : textLeft + boxPadding;
  const anchor = isAlone ? ' text-anchor="middle"' : "";
  const place = `x="${num(x)}" y="${num(area.y + 18.5)}"${anchor}${colour}`;
  const rows = { isCentred: false, gap: 0, indent: hangingIndent };
  const text = drawSentences(box.sentences, { x, y: area.y + rowsTop + 10 }, rows);
  return `<g${halo}><text class="name" ${place}>${escapeXml(state.name)}</text>${text}</g>`;
}

function titleOf({ state }: PlacedState): string {
  return state.description === undefined ? "" : `<title>${escapeXml(state.description)}</title>`;
}

function inset(area: Area, by: number): Area {
  return { x: area.x + by, y: area.y + by, width: area.width - 2 * by, height: area.height - 2 * by };
}

function rect({ x, y, width, height }: Area): string {
  return `x="${num(x)}" y="${num(y)}" width="${num(width)}" height="${num(height)}"`;
}

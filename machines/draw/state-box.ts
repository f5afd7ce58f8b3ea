import { type ChartState, isInternal } from "./chart-model.ts";
import { type Sentence, sayActivity, sayInvoke, sayTransition, smallFont } from "./sentence.ts";
import { type Font, widestOf, widthOf } from "./text-width.ts";

/** What is written inside a state's box, and the room it takes in pixels; a compound state's children go below it. */
export interface StateBox {
  readonly sentences: readonly Sentence[];
  readonly width: number;
  readonly height: number;
}

/** The type of a state's name. */
const nameFont: Font = { size: 13, bold: true };
/** Height of one line of small type. */
export const lineHeight = 14;
/** Height of the part of a box that holds the state's name. */
export const nameHeight = 28;
/** Room between a box's border and its text. */
export const boxPadding = 10;
/** How far the lines after a sentence's first are set in. */
export const hangingIndent = 10;
/** Where the small type begins, from the top of the box. */
export const rowsTop = nameHeight + 4;

const leafRowWidth = 190;
const compoundRowWidth = 210;

/** Lists what a state does by itself, and measures it. */
export function boxOf(state: ChartState): StateBox {
  const maxWidth = state.states.length > 0 ? compoundRowWidth : leafRowWidth;
  const sentences = [
    ...(state.entry.length > 0 ? [sayActivity("entry", state.entry, maxWidth)] : []),
    ...(state.exit.length > 0 ? [sayActivity("exit", state.exit, maxWidth)] : []),
    ...state.invokes.map((invoke) => sayInvoke(invoke, maxWidth)),
    ...state.transitions.filter(isInternal).map((transition) => sayTransition(transition, maxWidth)),
  ];
  const lines = sentences.flatMap((sentence) => sentence.lines);
  const isWrapped = sentences.some((sentence) => sentence.lines.length > 1);
  const textWidth = Math.max(
    widthOf(state.name, nameFont),
    widestOf(lines, smallFont) + (isWrapped ? hangingIndent : 4),
  );
  return {
    sentences,
    width: Math.ceil(textWidth) + 2 * boxPadding,
    height: lines.length === 0 ? nameHeight : rowsTop + lines.length * lineHeight + 6,
  };
}

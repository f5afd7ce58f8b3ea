import type { ChartInvoke, ChartTransition } from "./chart-model.ts";
import type { ChartAction, ChartGuard } from "./implementation-name.ts";
import { fillLines, type Font } from "./text-width.ts";

/** A run of words of one look. */
export interface Part {
  readonly text: string;
  readonly look: "trigger" | "guard" | "action" | "note" | "alarm";
}

/** One wrapped sentence: a transition, or what a state does on entry or exit. */
export interface Sentence {
  /** The transition it tells, if any. */
  readonly transition: string | undefined;
  readonly lines: readonly (readonly Part[])[];
}

/** The type size of everything but a state's name. */
export const smallFont: Font = { size: 11 };

/** Says a transition as `event [guard] / action`, in lines of at most `maxWidth` pixels where words allow. */
export function sayTransition(transition: ChartTransition, maxWidth: number): Sentence {
  const { source, targets, trigger, guard, actions, reenter, note } = transition;
  const parts: Part[] = [{ text: trigger.text, look: "trigger" }];
  if (guard !== undefined) parts.push(...sayGuard(guard));
  if (targets.includes(source)) parts.push({ text: reenter ? "(re-enter)" : "(to itself)", look: "guard" });
  if (isIgnored(transition)) parts.push({ text: "(ignored)", look: "guard" });
  parts.push(...sayActions(actions));
  if (note !== undefined) parts.push({ text: note.text, look: note.isAlarm ? "alarm" : "note" });
  return { transition: transition.id, lines: fillLines(parts, smallFont, maxWidth) };
}

/** Says what a state does by itself, e.g. `entry / startTurn`. */
export function sayActivity(word: string, actions: readonly ChartAction[], maxWidth: number): Sentence {
  const parts: Part[] = [{ text: word, look: "trigger" }, ...sayActions(actions)];
  return { transition: undefined, lines: fillLines(parts, smallFont, maxWidth) };
}

/** Says which actor runs while a state is active, e.g. `invoke claim`. */
export function sayInvoke(invoke: ChartInvoke, maxWidth: number): Sentence {
  const parts: Part[] = [
    { text: "invoke", look: "guard" },
    { text: invoke.source, look: "trigger" },
  ];
  const isNamedApart = invoke.id !== invoke.source && !/^\d+\./.test(invoke.id);
  if (isNamedApart) parts.push({ text: `as ${invoke.id}`, look: "guard" });
  return { transition: undefined, lines: fillLines(parts, smallFont, maxWidth) };
}

function sayGuard(guard: ChartGuard): readonly Part[] {
  return [{ text: `[${guard.text}]`, look: "guard" }];
}

function sayActions(actions: readonly ChartAction[]): readonly Part[] {
  return actions.map(({ text }, index) => ({
    text: `${index === 0 ? "/ " : ""}${text}${index < actions.length - 1 ? "," : ""}`,
    look: "action",
  }));
}

function isIgnored(transition: ChartTransition): boolean {
  return transition.targets.length === 0 && transition.actions.length === 0;
}

import type { Life } from "./life.ts";
import type { Step, StepOf } from "./step.ts";

/** One call of the host's, from outside or by a turn's code, and what came of it. */
export interface CallStory {
  readonly life: Life;
  readonly call: number;
  /** `send`, `receipt.reply` …; of what a turn's code asks of its turn, `turn.exec`, `turn.locks.acquire` … */
  readonly method: string;
  readonly args: readonly unknown[];
  /** The turn whose code made it. */
  readonly turnId: string | undefined;
  /** The call that gave what this is a call of. */
  readonly on: CallStory | undefined;
  readonly step: StepOf<"call"> | StepOf<"turn.did">;
  /** What it came to, and what that was. */
  answer: StepOf<"answer"> | undefined;
  refusal: StepOf<"refusal"> | undefined;
}

/** The calls of one recording, and those of its turns that gave a promise. */
export function readCalls(life: Life): ReadonlyMap<number, CallStory> {
  const calls = new Map<number, CallStory>();
  for (const step of life.steps) {
    const { entry } = step;
    if (entry.type === "call") {
      const { call, method, args, turnId, on } = entry;
      calls.set(call, {
        life,
        call,
        method,
        args,
        turnId,
        on: on === undefined ? undefined : calls.get(on),
        step: step as StepOf<"call">,
        answer: undefined,
        refusal: undefined,
      });
    } else if (entry.type === "turn.did") {
      const { call, what, args, turnId } = entry;
      calls.set(call, {
        life,
        call,
        method: `turn.${what}`,
        args,
        turnId,
        on: undefined,
        step: step as StepOf<"turn.did">,
        answer: undefined,
        refusal: undefined,
      });
    } else if (entry.type === "answer" || entry.type === "refusal") {
      const story = calls.get(entry.call);
      if (story === undefined) continue;
      if (entry.type === "answer") story.answer ??= step as StepOf<"answer">;
      else story.refusal ??= step as StepOf<"refusal">;
    }
  }
  return calls;
}

/** What a call came to. */
export function endOf({ answer, refusal }: CallStory): Step | undefined {
  return answer ?? refusal;
}

/** What a sentence calls something that should be a name, and may be anything. */
export function nameFor(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}

/** One member of what a call was given as its options, or of what it answered. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

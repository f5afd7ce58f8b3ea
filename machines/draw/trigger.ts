import type { AnyStateNode, AnyTransitionDefinition } from "xstate";

/** What makes a transition happen. */
export interface Trigger {
  readonly kind: "event" | "after" | "always" | "done" | "error" | "snapshot";
  /** The event's type, the delay's name or the invoked actor's id; empty where there is none. */
  readonly name: string;
  /** What the picture shows. */
  readonly text: string;
}

const actorEvents = [
  { prefix: "xstate.done.actor.", kind: "done", word: "onDone" },
  { prefix: "xstate.error.actor.", kind: "error", word: "onError" },
  { prefix: "xstate.snapshot.", kind: "snapshot", word: "onSnapshot" },
] as const;

/** Turns XState's internal event types back into the words of the config: `after`, `onDone`, `onError`, `always`. */
export function triggerOf(node: AnyStateNode, transition: AnyTransitionDefinition): Trigger {
  const { eventType } = transition;
  if (eventType === "") return { kind: "always", name: "", text: "always" };
  if (eventType === `xstate.done.state.${node.id}`) return { kind: "done", name: "", text: "onDone" };
  const timer = node.after.find((candidate) => candidate.eventType === eventType);
  if (timer !== undefined) {
    const name = nameDelay(timer.delay);
    return { kind: "after", name, text: `after ${name}` };
  }
  for (const { prefix, kind, word } of actorEvents) {
    if (!eventType.startsWith(prefix)) continue;
    const name = eventType.slice(prefix.length);
    return { kind, name, text: `${word} ${name}` };
  }
  return { kind: "event", name: eventType, text: eventType };
}

function nameDelay(delay: unknown): string {
  if (typeof delay === "number") return `${delay} ms`;
  return typeof delay === "string" ? delay : "inline";
}

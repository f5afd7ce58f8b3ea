import { expect, it } from "vitest";
import { checkCrashes, type CrashFact } from "./crash-checker.ts";

const inSession = (id: string) => ({ session: "a", id });
const started = (life: string, id: string, attempt = 1): CrashFact => ({
  type: "started",
  life,
  turn: `${life} ${id}`,
  ...inSession(id),
  attempt,
});
const shown = (life: string, id: string, turn = id): CrashFact => ({
  type: "shown",
  life,
  turn: `${life} ${turn}`,
  ...inSession(id),
});
const told = (id: string, status = "completed"): CrashFact => ({ type: "told", ...inSession(id), status });
const fact = (type: "accepted" | "launched" | "ran" | "buried", id: string): CrashFact => ({
  type,
  ...inSession(id),
});

/** Three messages and a command, over three lives: the first is killed, the second closes. */
const story: readonly CrashFact[] = [
  fact("accepted", "one"),
  started("1", "one"),
  fact("launched", "command"),
  fact("ran", "command"),
  fact("accepted", "two"),
  started("2", "one", 2),
  fact("accepted", "three"),
  told("one"),
  shown("2", "command", "two"),
  started("2", "two"),
  { type: "closing", life: "2" },
  told("two", "suspended"),
  started("3", "two"),
  shown("3", "command", "two"),
  started("3", "three"),
  told("two"),
  told("three"),
];
const at = (wanted: CrashFact): number =>
  story.findIndex((one) => JSON.stringify(one) === JSON.stringify(wanted));
const without = (gone: CrashFact): readonly CrashFact[] => story.toSpliced(at(gone), 1);
const after = (before: CrashFact, ...more: readonly CrashFact[]): readonly CrashFact[] =>
  story.toSpliced(at(before) + 1, 0, ...more);
const instead = (old: CrashFact, one: CrashFact): readonly CrashFact[] => story.with(at(old), one);

it("finds no fault with lives that lost nothing", () => {
  expect(checkCrashes(story)).toEqual({ accepted: 3, commands: 1, repeated: 2, faults: [] });
});

it.each<[string, readonly CrashFact[], string]>([
  ["I1 a message that never ran", without(started("3", "three")), "lost: a three"],
  ["I1 a message of which nobody was told", without(told("three")), "nobody was told of a three"],
  [
    "I1 one told to have failed",
    instead(told("three"), told("three", "failed")),
    "a three was told to have ended failed",
  ],
  [
    "I2 messages in another order",
    instead(started("1", "one"), started("1", "three")),
    "out of order in a: three,one,two",
  ],
  [
    "I3 a message twice in a life",
    after(told("two"), started("3", "two", 2)),
    "ran twice in one life: a two",
  ],
  [
    "I3 an attempt again",
    instead(started("2", "one", 2), started("2", "one", 1)),
    "attempt 1 of a one again",
  ],
  [
    "I3 a smaller attempt after a close",
    instead(started("3", "two"), started("3", "two", 0)),
    "attempt 0 of a two again",
  ],
  [
    "I4 a message after its outcome",
    after(told("one"), started("3", "one", 3)),
    "a one came again in 3 after it was over",
  ],
  [
    "I4 a completion after the turn that held it",
    after(told("three"), shown("4", "command")),
    "a command came again in 4 after it was over",
  ],
  [
    "I5 a command that was started twice",
    after(fact("ran", "command"), fact("ran", "command")),
    "a command was started twice: a command",
  ],
  [
    "I5 a command that only itself knows of, and whose completion vanished",
    after(fact("ran", "command"), fact("ran", "unknown")),
    "no completion: a unknown",
  ],
  [
    "I5 a command whose completion vanished",
    story.filter(({ type }) => type !== "shown"),
    "no completion: a command",
  ],
  [
    "I5 one shown to another session only",
    story.map((one) => (one.type === "shown" ? { ...one, session: "b" } : one)),
    "no completion: a command",
  ],
])("notices %s", (_, facts, fault) => {
  expect(checkCrashes(facts).faults).toContain(fault);
});

it("takes work that was given up for what it is", () => {
  const facts = without(started("3", "three")).filter(
    (one) => JSON.stringify(one) !== JSON.stringify(told("three")),
  );
  expect(checkCrashes([...facts, fact("buried", "three")]).faults).toEqual([]);
});

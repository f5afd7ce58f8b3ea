import { crossing, type Edit, type Mutant } from "./mutant.ts";

const keeper = crossing("model/keeper-1", "model/keeper-2", "model/keeper-3");
const locks = crossing("model/locks");

/** An edit of a file of the reference model. */
function inModel(file: string, find: string, replace: string): Edit {
  return { file: `packages/testing/src/model/${file}.ts`, find, replace };
}

/** Mistakes in the reference model: a model that is wrong in one rule must not agree with a keeper that is right. */
export const modelMutants: readonly Mutant[] = [
  {
    name: "model-knows-no-priorities",
    rules: ["B14"],
    change: "the model gives slots by age alone",
    ...inModel(
      "reference-capacity",
      "rank(b) - rank(a) || last(a) - last(b)",
      "last(a) - last(b) + 0 * rank(a)",
    ),
    kills: keeper,
  },
  {
    name: "model-agents-take-no-turns",
    rules: ["B15"],
    change: "the model gives slots by priority and age, whatever the agent",
    ...inModel(
      "reference-capacity",
      "rank(b) - rank(a) || last(a) - last(b)",
      "rank(b) - rank(a) + 0 * last(a)",
    ),
    kills: keeper,
  },
  {
    name: "model-lends-early",
    rules: ["B10a"],
    change: "the model gives a slot on as soon as one of those who share it waits",
    ...inModel("reference-capacity", "slot.users.every(", "slot.users.some("),
    kills: keeper,
  },
  {
    name: "model-group-without-limit",
    rules: ["B12"],
    change: "the model lets a group have as many slots as there are",
    ...inModel(
      "reference-capacity",
      `return free > 0 && this.reason(session) !== "group";`,
      "return free > 0;",
    ),
    kills: keeper,
  },
  {
    name: "model-retries-once-too-often",
    rules: ["B31"],
    change: "the model tries failed work once more than it may be",
    ...inModel("reference-verdict", "failed: retry.attempts - 1,", "failed: retry.attempts,"),
    kills: keeper,
  },
  {
    name: "model-mixes-up-attempts",
    rules: ["B30", "B31a"],
    change: "the model counts a reclaimed turn as a failed one",
    ...inModel(
      "reference-verdict",
      "item.counts[faultOf(like)]++;",
      `item.counts[end === "crashed" ? end : "failed"]++;`,
    ),
    kills: keeper,
  },
  {
    name: "model-backs-off-evenly",
    rules: ["B31"],
    change: "the model waits equally long before each retry",
    ...inModel(
      "reference-verdict",
      "retry.baseMs * 2 ** failures",
      "retry.baseMs * 2 ** Math.min(0, failures)",
    ),
    kills: keeper,
  },
  {
    name: "model-loses-taken-steering",
    rules: ["B19"],
    change: "the model gives taken steering up though its turn is tried again",
    ...inModel(
      "reference-verdict",
      "if (heir !== undefined) again.push(",
      "if (heir?.steers !== undefined) again.push(",
    ),
    kills: keeper,
  },
  {
    name: "model-debounces-for-ever",
    rules: ["B18"],
    change: "the model lets a batch wait for quiet without an end",
    ...inModel(
      "reference-model",
      "head.acceptedAt + debounceMaxMs",
      "head.acceptedAt + debounceMaxMs * 1_000",
    ),
    kills: keeper,
  },
  {
    name: "model-stalls-who-waits",
    rules: ["B29"],
    change: "in the model the stall clock of a turn that waits by its own word goes on",
    ...inModel(
      "reference-model",
      "turn.activeUntil = Math.max(turn.activeUntil, until);",
      "turn.activeUntil = Math.min(this.now, until);",
    ),
    kills: keeper,
  },
  {
    name: "model-remembers-for-ever",
    rules: ["B23"],
    change: "the model knows an id however long ago its work ended",
    ...inModel(
      "reference-model",
      "this.now < latest.endedAt + this.settings.lane.dedupeMs",
      "latest.endedAt > -Infinity",
    ),
    kills: keeper,
  },
  {
    name: "model-interrupt-clears-the-queue",
    rules: ["B20"],
    change: "in the model an interrupt cancels everything that waits",
    ...inModel(
      "reference-model",
      `else if (item.isInterrupt) this.#end(session.interrupts, "cancelled:interrupted");`,
      `else if (item.isInterrupt) this.#end(session.waiting, "cancelled:interrupted");`,
    ),
    kills: keeper,
  },
  {
    name: "model-drops-the-youngest",
    rules: ["B22"],
    change: "where the oldest is to make room, the model drops the youngest",
    ...inModel(
      "reference-model",
      "droppable.toSorted((a, b) => a.seq - b.seq)",
      "droppable.toSorted((a, b) => b.seq - a.seq)",
    ),
    kills: keeper,
  },
  {
    name: "model-reset-keeps-the-incarnation",
    rules: ["B36"],
    change: "in the model a completion of a command from before a reset is welcome",
    ...inModel("reference-model", "    session.incarnation++;\n", ""),
    kills: keeper,
  },
  {
    name: "model-late-reply-counts",
    rules: ["B28"],
    change: "in the model what a turn returns after an abort by the host completes its work",
    ...inModel("model-state", `["aborted", "interrupted",`, `["interrupted",`),
    kills: keeper,
  },
  {
    name: "model-heartbeat-in-the-way",
    rules: ["B47"],
    change: "in the model a message waits for a heartbeat's turn",
    ...inModel(
      "reference-model",
      `turn?.cause === "heartbeat" && item.isMessage && item.rank > 0`,
      `turn?.cause === "heartbeat" && item.isMessage && item.rank > 9`,
    ),
    kills: keeper,
  },
  {
    name: "model-believes-too-little",
    rules: ["B49"],
    change: "in the model belief in a lease ends at a third of its time",
    ...inModel(
      "lock-model",
      "const lasts = lockTerms.ttlMs - lockTerms.marginMs;",
      "const lasts = lockTerms.renewEveryMs;",
    ),
    kills: locks,
  },
  {
    name: "model-waits-for-nobody",
    rules: ["B51"],
    change: "in the model a lock whose holder died must be taken at once",
    ...inModel(
      "lock-model",
      "      this.#end(lock, this.now + lockTerms.ttlMs);\n    }\n  }\n  advance",
      "      this.#end(lock, this.now);\n    }\n  }\n  advance",
    ),
    kills: locks,
  },
];

import * as v from "valibot";

const at = v.pipe(v.number(), v.finite());
const id = v.string();
const session = v.string();
const turn = v.number();
const ids = v.array(v.string());

const factSchema = v.variant("fact", [
  v.object({
    fact: v.literal("replay"),
    version: v.literal(1),
    trace: v.object({ file: v.string(), messages: v.number(), sha256: v.string() }),
    options: v.record(v.string(), v.union([v.number(), v.string()])),
  }),
  v.object({ fact: v.literal("life"), at }),
  v.object({ fact: v.literal("offered"), at, id, session }),
  v.object({ fact: v.literal("accepted"), at, id }),
  v.object({ fact: v.literal("refused"), at, id }),
  v.object({
    fact: v.literal("told"),
    at,
    id,
    status: v.picklist(["completed", "failed", "reclaimed", "cancelled", "dropped", "suspended"]),
    reply: v.optional(v.string()),
  }),
  v.object({
    fact: v.literal("began"),
    at,
    turn,
    session,
    attempt: v.number(),
    messages: ids,
    commands: ids,
    lost: ids,
  }),
  v.object({ fact: v.picklist(["answered", "threw", "aborted"]), at, turn }),
  v.object({ fact: v.picklist(["launching", "launch-failed"]), at, session }),
  v.object({ fact: v.literal("launched"), at, id, session }),
  v.object({ fact: v.literal("buried"), at, id }),
  v.object({ fact: v.literal("overlapped"), at, count: v.number() }),
  v.object({ fact: v.literal("closing"), at }),
  v.object({ fact: v.literal("ended"), at, end: v.picklist(["complete", "quiet"]) }),
]);

/**
 * What a replay writes down of itself before it goes on: first what is replayed (`replay`), then by life (`life`) what its
 * client sent and was told and what its agent was given and did. `at` is trace time.
 */
export type ReplayFact = v.InferOutput<typeof factSchema>;

/** The first line of a journal: what is replayed. */
export type ReplayHeader = Extract<ReplayFact, { readonly fact: "replay" }>;

/** A fact without its time. */
export type TimelessFact = ReplayFact extends infer Fact
  ? Fact extends { readonly at: number }
    ? Omit<Fact, "at">
    : never
  : never;

/** Reads one line of a journal; undefined where it is none. */
export function parseFact(line: string): ReplayFact | undefined {
  try {
    const parsed = v.safeParse(factSchema, JSON.parse(line));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

import { LanekeeperError, type Outcome, PermanentError } from "lanekeeper";
import { expect, it } from "vitest";
import { fromPlainOutcome, toPlainOutcome } from "./outcome-text.ts";

/** An outcome after a restart. */
function restarted(outcome: Outcome): Outcome {
  return fromPlainOutcome(JSON.parse(JSON.stringify(toPlainOutcome(outcome))));
}

function failed(error: Error): Outcome {
  return { status: "failed", turnId: "t", error, attempts: 2, deadLetterId: "d" };
}

it.each([
  new TypeError("wrong kind"),
  new PermanentError("never again"),
  new LanekeeperError("TURN_STALLED", "too slow", { ageMs: 5 }),
  Object.assign(new Error("no host"), { code: "ENOTFOUND" }),
])("keeps an error's name, message, code and stack: %s", (error) => {
  const outcome = restarted(failed(error)) as Extract<Outcome, { status: "failed" }>;
  const facts = ({ name, message, stack }: Error): unknown => ({ name, message, stack });
  expect(facts(outcome.error)).toEqual(facts(error));
  expect(outcome.error).toBeInstanceOf(Error);
  expect((outcome.error as { code?: unknown }).code).toBe((error as { code?: unknown }).code);
  expect(outcome).toMatchObject({ turnId: "t", attempts: 2, deadLetterId: "d" });
});

it("gives errors of Lanekeeper's own back as what they were", () => {
  const revive = (error: Error): Error =>
    (restarted(failed(error)) as Extract<Outcome, { status: "failed" }>).error;
  expect(revive(new PermanentError("x"))).toBeInstanceOf(PermanentError);
  const own = revive(new LanekeeperError("TURN_STALLED", "x", { ageMs: 5 }));
  expect(own).toBeInstanceOf(LanekeeperError);
  expect((own as LanekeeperError).details).toEqual({ ageMs: 5 });
});

it("keeps a reply, and that there was none", () => {
  const completed = (reply: unknown): Outcome => ({ status: "completed", turnId: "t", reply, attempts: 1 });
  for (const reply of [{ answer: [1, null] }, "", 0, null, undefined])
    expect(restarted(completed(reply))).toStrictEqual(completed(reply));
  expect(restarted(completed(5n))).toStrictEqual(completed(undefined));
});

import { describe, expect, it } from "vitest";
import type { LanekeeperErrorCode } from "../keeper/errors.ts";
import type { Outcome } from "./outcome.ts";
import { PendingOutcome } from "./pending-outcomes.ts";
import { createReceipt } from "./receipt.ts";

const work = { id: "m1", sessionKey: "chat", acceptedAt: 1_000 };

function receiptOf(outcome: Outcome) {
  const pending = new PendingOutcome();
  pending.settle(outcome);
  return createReceipt(work, pending);
}

describe("a receipt", () => {
  it("says what was accepted", () => {
    const { id, sessionKey, acceptedAt } = createReceipt(work, new PendingOutcome());
    expect({ id, sessionKey, acceptedAt }).toEqual(work);
  });

  it("gives the outcome and the reply, asked for before or after", async () => {
    const pending = new PendingOutcome();
    const receipt = createReceipt(work, pending);
    const early = Promise.all([receipt.outcome, receipt.reply()]);
    const completed: Outcome = { status: "completed", turnId: "turn-1", reply: { text: "hi" }, attempts: 2 };
    pending.settle(completed);
    expect(await early).toEqual([completed, { text: "hi" }]);
    expect(await receipt.reply()).toEqual({ text: "hi" });
  });

  it("replies with nothing where the turn returned nothing", async () => {
    const outcome: Outcome = { status: "completed", turnId: "turn-1", reply: undefined, attempts: 1 };
    expect(await receiptOf(outcome).reply()).toBe(undefined);
  });

  it("rejects its reply with the error of a turn that failed", async () => {
    const error = new Error("model down");
    const failed: Outcome = { status: "failed", turnId: "turn-1", error, attempts: 3, deadLetterId: "d1" };
    await expect(receiptOf(failed).reply()).rejects.toBe(error);
  });

  it.each<[Outcome, LanekeeperErrorCode, RegExp]>([
    [
      { status: "reclaimed", turnId: "turn-1", reason: "stalled", deadLetterId: "d1" },
      "WORK_RECLAIMED",
      /stalled.*d1/,
    ],
    [
      { status: "reclaimed", turnId: "turn-1", reason: "crashed", deadLetterId: "d2" },
      "WORK_RECLAIMED",
      /crashed.*d2/,
    ],
    [{ status: "cancelled", reason: "reset" }, "MESSAGE_CANCELLED", /m1 was reset/],
    [{ status: "dropped", reason: "overflow" }, "MESSAGE_DROPPED", /overflow/],
    [{ status: "suspended" }, "CLOSED", /m1 was finished/],
  ])("rejects the reply of %j with %s", async (outcome, code, says) => {
    const receipt = receiptOf(outcome);
    const details = { id: "m1", sessionKey: "chat", outcome };
    const message = expect.stringMatching(says) as string;
    await expect(receipt.reply()).rejects.toMatchObject({ name: "LanekeeperError", code, details, message });
    expect(await receipt.outcome).toBe(outcome);
  });

  it("never rejects its outcome, and nobody need ask for its reply", async () => {
    const receipt = receiptOf({ status: "suspended" });
    await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
  });
});

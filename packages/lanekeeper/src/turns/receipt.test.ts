import { describe, expect, it } from "vitest";
import type { LanekeeperErrorCode } from "../keeper/errors.ts";
import type { Outcome } from "./outcome.ts";
import { PendingOutcome } from "./pending-outcomes.ts";
import { createReceipt, type ReceiptHost } from "./receipt.ts";

const work = { seq: 4, id: "m1", sessionKey: "chat", acceptedAt: 1_000 };

/** A keeper that lets everybody wait, and withdraws what it is asked to. */
const host: ReceiptHost = {
  awaitOutcome: (_, pending) => pending.promise,
  cancel: async () => true,
};

function receiptOf(outcome: Outcome, of: ReceiptHost = host) {
  const pending = new PendingOutcome();
  pending.settle(outcome);
  return createReceipt(work, pending, of);
}

describe("a receipt", () => {
  it("says what was accepted", () => {
    const { id, sessionKey, acceptedAt } = createReceipt(work, new PendingOutcome(), host);
    expect({ seq: work.seq, id, sessionKey, acceptedAt }).toEqual(work);
  });

  it("gives the outcome and the reply, asked for before or after", async () => {
    const pending = new PendingOutcome();
    const receipt = createReceipt(work, pending, host);
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
    [{ status: "cancelled", reason: "interrupted" }, "MESSAGE_CANCELLED", /m1 was interrupted/],
    [{ status: "cancelled", reason: "cancelled" }, "MESSAGE_CANCELLED", /m1 was cancelled/],
    [{ status: "dropped", reason: "overflow" }, "MESSAGE_DROPPED", /overflow/],
    [{ status: "dropped", reason: "expired" }, "MESSAGE_DROPPED", /expired/],
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

describe("a receipt asks its keeper", () => {
  it("to wait for the reply, so that a turn that awaits it is known; never for the outcome (B10)", async () => {
    const asked: unknown[] = [];
    const refusal = new Error("would wait for ever");
    const pending = new PendingOutcome();
    const receipt = createReceipt(work, pending, {
      ...host,
      awaitOutcome: async (...of) => {
        asked.push(of);
        throw refusal;
      },
    });
    void receipt.outcome;
    expect(asked).toEqual([]);
    await expect(receipt.reply()).rejects.toBe(refusal);
    expect(asked).toEqual([[work, pending]]);
    expect(pending.isSettled).toBe(false);
  });

  it("for each reply anew, also for one that is known", async () => {
    let asked = 0;
    const receipt = receiptOf(
      { status: "completed", turnId: "turn-1", reply: 7, attempts: 1 },
      { ...host, awaitOutcome: (_, pending) => (asked++, pending.promise) },
    );
    expect([await receipt.reply(), await receipt.reply(), asked]).toEqual([7, 7, 2]);
  });

  it("to withdraw work that has not ended, with the reason (B23a)", async () => {
    const asked: unknown[] = [];
    const answers = [true, false];
    const cancel: ReceiptHost["cancel"] = async (...of) => {
      asked.push(of);
      return answers.shift()!;
    };
    const receipt = createReceipt(work, new PendingOutcome(), { ...host, cancel });
    expect([await receipt.cancel("no longer needed"), await receipt.cancel()]).toEqual([true, false]);
    expect(asked).toEqual([
      [work, "no longer needed"],
      [work, undefined],
    ]);
  });

  it("to withdraw nothing that has ended, and what the next keeper is to run (B58)", async () => {
    const ended: readonly Outcome[] = [
      { status: "completed", turnId: "turn-1", reply: 7, attempts: 1 },
      { status: "cancelled", reason: "cancelled" },
      { status: "dropped", reason: "expired" },
    ];
    for (const outcome of ended) expect(await receiptOf(outcome).cancel()).toBe(false);
    const closed = new Error("closed");
    const cancel = async () => Promise.reject(closed);
    await expect(receiptOf({ status: "suspended" }, { ...host, cancel }).cancel()).rejects.toBe(closed);
  });

  it.each([null, 5, {}])("nothing where the reason is %j (INVALID_OPTION)", async (reason) => {
    let asked = 0;
    const cancel = async () => ++asked > 0;
    const receipt = createReceipt(work, new PendingOutcome(), { ...host, cancel });
    await expect(receipt.cancel(reason as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(
      receiptOf({ status: "dropped", reason: "expired" }).cancel(reason as never),
    ).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(asked).toBe(0);
  });
});

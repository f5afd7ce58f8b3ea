import * as fc from "fast-check";
import type { LeaseStore } from "lanekeeper/ports";
import type { SimulatedClock } from "lanekeeper/simulated-clock";

type Step =
  | { readonly type: "acquire" | "undo"; readonly owner: string }
  | { readonly type: "renew" | "release"; readonly owner: string; readonly isStale: boolean }
  | { readonly type: "pass"; readonly ms: number };

const owner = fc.constantFrom("one", "two", "three");

/** Commands of three owners for one lease, with old tokens among them, and time. */
export const leaseSteps = (ttlMs: number): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.oneof(
      fc.record({ type: fc.constantFrom("acquire" as const, "undo" as const), owner }),
      fc.record({
        type: fc.constantFrom("renew" as const, "release" as const),
        owner,
        isStale: fc.boolean(),
      }),
      fc.record({ type: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 2 * ttlMs }) }),
    ),
    { maxLength: 30 },
  );

/** What a store answered, beside what the truth is: who has the lease, until when, and the tokens so far. */
export async function askBeside(
  leases: LeaseStore,
  clock: SimulatedClock,
  ttlMs: number,
  steps: readonly Step[],
): Promise<readonly (readonly [answered: unknown, truth: unknown])[]> {
  const answers: (readonly [unknown, unknown])[] = [];
  const model = { owner: "nobody", token: 0n, until: 0 };
  for (const step of steps) {
    if (step.type === "pass") {
      await clock.advance(step.ms);
      continue;
    }
    const now = clock.monotonic();
    const isFree = model.until <= now;
    const isOwner = !isFree && model.owner === step.owner;
    if (step.type === "acquire") {
      const answer = await leases.acquire("lock", step.owner, ttlMs);
      const denial = { acquired: false, owner: model.owner, expiresInMs: model.until - now };
      answers.push([answer.acquired ? "acquired" : answer, isFree || isOwner ? "acquired" : denial]);
      if (!answer.acquired) continue;
      answers.push([isOwner ? answer.token === model.token : answer.token > model.token, true]);
      Object.assign(model, { owner: step.owner, token: answer.token, until: now + ttlMs });
      continue;
    }
    const isStale = "isStale" in step && step.isStale;
    const token = isStale ? model.token - 1n : model.token;
    const counts = isOwner && !isStale;
    if (step.type === "renew") {
      answers.push([await leases.renew("lock", step.owner, token, ttlMs), counts]);
      if (counts) model.until = now + ttlMs;
    } else {
      const given = step.type === "undo" ? undefined : token;
      answers.push([await leases.release("lock", step.owner, given), counts]);
      if (counts) model.until = 0;
    }
  }
  return answers;
}

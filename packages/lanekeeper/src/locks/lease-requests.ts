import type { LeaseRequest, LockEvent } from "@lanekeeper/machines";
import { LanekeeperError, toError } from "../keeper/errors.ts";
import type { Passages } from "../keeper/passages.ts";
import type { LeaseStore } from "../store/leases.ts";
import type { ArmRunning } from "../time/running-deadlines.ts";
import type { Instants } from "./instants.ts";

/**
 * Every command to the lease store, its answer told as an event of the holder.
 *
 * I1. Acquiring and releasing have a deadline, after which they count as failed (B33). A renewal has none of its own: it
 *     is never repeated beside itself, and belief in the lease ends first (B50).
 * I2. A grant that comes after its deadline is handed to `lateGrant`, so that nobody holds what nobody waits for (B53).
 * I3. A store that throws, or answers nonsense, has failed. It has failed for good where it rejects with a typed error of
 *     any code but `STORE_UNAVAILABLE`: it is not asked for that lease again (B53).
 */
export interface LeaseRequests {
  acquire(request: LeaseRequest, tell: (event: LockEvent) => void): void;
  renew(request: LeaseRequest, tell: (event: LockEvent) => void): void;
  release(request: LeaseRequest, tell: (event: LockEvent) => void): void;
}

/** Whether a store that failed like this would fail again, whenever it is asked. */
function isFinal(error: Error): boolean {
  return error instanceof LanekeeperError && error.code !== "STORE_UNAVAILABLE";
}

/** Milliseconds a lease store has to answer. */
const leaseDeadlineMs = 5_000;

/** Creates the commands of a keeper. `failed` hears of every failure to acquire and to renew, `lateGrant` of grants that come too late. */
export function createLeaseRequests(host: {
  readonly leases: LeaseStore;
  readonly instants: Instants;
  readonly armRunning: ArmRunning;
  readonly passages: Passages;
  failed(request: LeaseRequest, error: Error): void;
  lateGrant(request: LeaseRequest, token: bigint): void;
}): LeaseRequests {
  const { leases, instants, passages } = host;

  const ask = <Answer>(
    command: () => Promise<Answer>,
    told: { answered(answer: Answer): void; failed(error: Error): void; late(answer: Answer): void },
    deadlineMs: number | undefined,
  ): void => {
    let isOver = false;
    const fail = (thrown: unknown): void => {
      if (isOver) return;
      isOver = true;
      deadline?.cancel();
      told.failed(toError(thrown));
    };
    const deadline =
      deadlineMs === undefined
        ? undefined
        : host.armRunning(deadlineMs, () => fail(new Error(`no answer within ${deadlineMs} ms`)));
    const answer = async (): Promise<void> => {
      try {
        const value = await passages.through(command());
        if (isOver) return told.late(value);
        told.answered(value);
        isOver = true;
        deadline?.cancel();
      } catch (error) {
        fail(error);
      }
    };
    void answer();
  };

  return {
    acquire(request, tell) {
      const { name, owner, ttlMs } = request;
      const sent = instants.now();
      ask(
        () => leases.acquire(name, owner, ttlMs),
        {
          answered(answer) {
            if (answer.acquired) {
              const token = answer.token.toString();
              tell({ type: "acquisition.granted", token, sent, received: instants.now() });
            } else {
              const { owner: heldBy, expiresInMs } = answer;
              tell({ type: "acquisition.denied", heldBy, expiresInMs });
            }
          },
          failed: (error) => {
            host.failed(request, error);
            tell({ type: isFinal(error) ? "acquisition.refused" : "acquisition.failed" });
          },
          late: (answer) => {
            if (answer.acquired) host.lateGrant(request, answer.token);
          },
        },
        leaseDeadlineMs,
      );
    },
    renew(request, tell) {
      const { name, owner, token, ttlMs } = request;
      const sent = instants.now();
      ask(
        () => leases.renew(name, owner, BigInt(token!), ttlMs),
        {
          answered: (isOurs) =>
            tell(
              isOurs
                ? { type: "renewal.confirmed", sent, received: instants.now() }
                : { type: "renewal.refused" },
            ),
          failed: (error) => {
            host.failed(request, error);
            tell({ type: "renewal.failed" });
          },
          late: () => {},
        },
        undefined,
      );
    },
    release(request, tell) {
      const { name, owner, token } = request;
      ask(
        () => leases.release(name, owner, token === null ? undefined : BigInt(token)),
        {
          answered: (wasOurs) => tell({ type: wasOurs ? "release.confirmed" : "release.refused" }),
          failed: () => tell({ type: "release.failed" }),
          late: () => {},
        },
        leaseDeadlineMs,
      );
    },
  };
}

import { LanekeeperError } from "lanekeeper";
import { createMailboxSteps, type MailboxSteps } from "lanekeeper/mailboxes";
import type { Mailboxes } from "lanekeeper/ports";
import type { Connection } from "./connection.ts";
import { toStoreError } from "./failures.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import type { SqliteState } from "./sqlite-state.ts";

/** The steps that only look: they are answered at once where what they look at waits for no commit. */
const looking: ReadonlySet<keyof Mailboxes> = new Set([
  "pauses",
  "page",
  "unused",
  "abandonedTurns",
  "execution",
  "openExecutions",
  "heartbeats",
  "deadLetters",
  "deadLetter",
] satisfies (keyof MailboxSteps)[]);

/** Those of them that look at one session, named first. */
const lookingAtOne: ReadonlySet<keyof Mailboxes> = new Set([
  "waiting",
  "unfinished",
  "find",
  "session",
] satisfies (keyof MailboxSteps)[]);

type Step = (...request: readonly unknown[]) => unknown;

/** Mailboxes in a file, and how what was done to them is made to last. */
export interface SqliteMailboxes {
  readonly mailboxes: Mailboxes;
  readonly group: GroupCommit;
  /** A number of the store's counter that nothing else gets, once it is in the file. Rejects as steps do. */
  reserve(): Promise<number>;
  /** Refuses every step from now on with `STORE_IN_USE`. */
  giveBack(): void;
  /** Commits what waits, and leaves the file as it is to be at rest. */
  end(): void;
}

/** The mailboxes of an opened file. */
export function createSqliteMailboxes(connection: Connection, state: SqliteState): SqliteMailboxes {
  const { path } = connection;
  let isHeld = true;
  /** Set once the file cannot be trusted any more: nothing is written to it from then on. */
  let damage: LanekeeperError | undefined;

  const toError = (error: unknown): LanekeeperError => {
    const failure = toStoreError(path, error, connection.maxBytes);
    if (failure.code === "STORE_CORRUPT") damage = failure;
    return failure;
  };
  const group = createGroupCommit({
    commit() {
      state.write();
      connection.commit();
      state.committed();
    },
    undo() {
      state.restore();
      connection.rollback();
    },
    // A simulated clock is to see that work goes on.
    ended: () => void state.host.clock.now(),
    toError,
  });
  /** Takes a step. One that looks is given what it looks at where that is known to be one session. */
  const take = <T>(isLooking: boolean, step: () => T, sessionKey?: string): T | Promise<T> => {
    if (!isHeld) {
      throw new LanekeeperError(
        "STORE_IN_USE",
        `This keeper has given the store ${path} back. Create another keeper to use it.`,
      );
    }
    if (damage !== undefined) throw damage;
    state.isChanging = !isLooking;
    let value: T;
    try {
      value = step();
    } catch (error) {
      // The question was wrong; nothing has changed.
      if (error instanceof RangeError || isInvalid(error)) throw error;
      const failure = toError(error);
      group.fail(failure);
      throw failure;
    } finally {
      state.stepTaken();
    }
    // Where the tables had to be asked, the journal may have been brought into them.
    const isLasting = group.isOpen
      ? sessionKey !== undefined && state.isLasting(sessionKey)
      : !connection.isWriting;
    if (isLooking && isLasting) return value;
    // A list that is alive may be another one by the time it is given.
    return group.answer(Array.isArray(value) ? (value.slice() as T) : value);
  };

  const steps = createMailboxSteps(state);
  const append: MailboxSteps["append"] = (item, limits) => {
    state.encode(item.body);
    return steps.append(item, limits);
  };
  const held: Record<string, unknown> = { isDurable: true };
  for (const [name, step] of Object.entries(Object.getOwnPropertyDescriptors(steps))) {
    const value = (name === "append" ? append : step.value) as Step | undefined;
    if (value === undefined) Object.defineProperty(held, name, step);
    else if (lookingAtOne.has(name as keyof Mailboxes))
      held[name] = (key: string, ...rest: readonly unknown[]) => take(true, () => value(key, ...rest), key);
    else {
      const isLooking = looking.has(name as keyof Mailboxes);
      held[name] = (...request: readonly unknown[]) => take(isLooking, () => value(...request));
    }
  }
  Object.defineProperty(held, "isHeld", { get: () => isHeld, enumerable: true });
  return {
    mailboxes: held as unknown as Mailboxes,
    group,
    reserve: async () => take(false, () => ++state.counter),
    giveBack() {
      isHeld = false;
    },
    end() {
      group.commit();
      if (damage !== undefined) return;
      try {
        state.flush();
        connection.commit();
      } catch {
        // No room, say: it is all in the journal, and the next opening brings it into the tables.
        connection.rollback();
      }
    },
  };
}

function isInvalid(error: unknown): boolean {
  return error instanceof LanekeeperError && error.code === "INVALID_MESSAGE";
}

import { systemClock } from "../time/clock.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import { createMailboxSteps, type MailboxSteps } from "./mailbox-steps.ts";
import { memoryLeases } from "./memory-leases.ts";
import { MemoryState } from "./memory-state.ts";
import type { Mailboxes, Store } from "./store.ts";

/**
 * A store in this process's memory. It keeps its content over `close()`, so a later keeper in the same process can open
 * it again; one keeper at a time (`STORE_IN_USE`).
 */
export function memoryStore(): Store {
  let state: MemoryState | undefined;
  /** What the keeper that has it was given. */
  let given: object | undefined;
  const leases = memoryLeases(() => state?.host.clock ?? systemClock);
  return {
    leases,
    open(host) {
      if (given !== undefined) {
        throw new LanekeeperError(
          "STORE_IN_USE",
          "Another keeper has this memory store open. Close that keeper first, or give each its own store.",
        );
      }
      if (state === undefined) state = new MemoryState(host);
      else state.serve(host);
      const hold = {};
      given = hold;
      return whileHeld(createMailboxSteps(state), () => given === hold);
    },
    async close() {
      given = undefined;
    },
  };
}

/** A keeper that has closed the store, or lost it to another, changes nothing in it any more. */
function whileHeld(mailboxes: MailboxSteps, isHeld: () => boolean): Mailboxes {
  const held: Record<string, unknown> = {};
  for (const [name, step] of Object.entries(Object.getOwnPropertyDescriptors(mailboxes))) {
    const { value } = step as { readonly value?: (...args: readonly unknown[]) => unknown };
    if (value === undefined) {
      Object.defineProperty(held, name, step);
      continue;
    }
    held[name] = (request: unknown, more: unknown) => {
      if (isHeld()) return value(request, more);
      throw new LanekeeperError(
        "STORE_IN_USE",
        "This keeper has given the memory store back. Create another keeper to use it.",
      );
    };
  }
  held["isDurable"] = false;
  Object.defineProperty(held, "isHeld", { get: isHeld, enumerable: true });
  return held as unknown as Mailboxes;
}

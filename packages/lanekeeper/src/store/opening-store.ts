import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";
import type { Settings } from "../keeper/options.ts";
import type { Passages } from "../keeper/passages.ts";
import { storeDeadlineMs } from "./store-requests.ts";
import type { Mailboxes } from "./store.ts";

/** A store that was opened, and who is paused in it. */
export interface OpenedStore {
  readonly mailboxes: Mailboxes;
  readonly pauses: Awaited<ReturnType<Mailboxes["pauses"]>>;
}

/**
 * Opens the store of a keeper. Rejects with `STORE_UNAVAILABLE`, also where it does not answer in time (B33), or with the
 * store's own typed error; a store that was opened, or is opened later, has been given back then.
 */
export async function openStore(
  settings: Pick<Settings, "store" | "clock" | "createId">,
  through: Passages["through"],
): Promise<OpenedStore> {
  const { store, clock, createId } = settings;
  let isOpen = false;
  let isLate = false;
  const opening = async (): Promise<OpenedStore> => {
    const mailboxes = await through(store.open({ clock, createId }));
    isOpen = true;
    if (isLate) await through(giveBack(settings, through));
    return { mailboxes, pauses: await through(mailboxes.pauses()) };
  };
  try {
    return await through(inTime(clock, opening(), through));
  } catch (error) {
    isLate = true;
    if (isOpen) await through(giveBack(settings, through));
    if (error instanceof LanekeeperError) throw error;
    throw new LanekeeperError(
      "STORE_UNAVAILABLE",
      `The store could not be opened: ${messageOf(toError(error))}. Check it and create the keeper again.`,
      {},
      { cause: error },
    );
  }
}

/** Closes a store that nobody can use any more; one that fails, or does not answer in time, is left to itself. */
export async function giveBack(
  { store, clock }: Pick<Settings, "store" | "clock">,
  through: Passages["through"],
): Promise<void> {
  try {
    await through(inTime(clock, store.close(), through));
  } catch {
    // Whoever opens it next is told by the store itself.
  }
}

async function inTime<T>(
  clock: Settings["clock"],
  answer: Promise<T>,
  through: Passages["through"],
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = clock.setTimeout(
    () => reject(new Error(`no answer within ${storeDeadlineMs} ms`)),
    storeDeadlineMs,
  );
  try {
    return await through(Promise.race([answer, late]));
  } finally {
    clock.clearTimeout(timer);
  }
}

import type { Journal } from "./journal.ts";
import type { Stats } from "./views.ts";

/** The keeper's health, told whenever it changes. */
export interface Health {
  readonly current: Stats["health"];
  /** Looks again. */
  check(): void;
  storeFailed(error: Error): void;
  storeAnswered(): void;
  /** The store is another keeper's: this one ends (B59). */
  storeLost(error: Error): void;
}

/** Creates the health of a keeper from what it is made of. */
export function createHealth(host: {
  readonly journal: Journal;
  readonly now: () => number;
  readonly keeper: () => "serving" | "draining" | "closing" | "closed";
  readonly zombies: () => { readonly count: number; readonly tolerated: number };
}): Health {
  const { journal } = host;
  let isStoreFailing = false;
  let isStoreLost = false;
  let last: Stats["health"] = "ok";

  const assess = (): { readonly health: Stats["health"]; readonly reason: string } => {
    if (isStoreLost) return { health: "closed", reason: "store-in-use" };
    const keeper = host.keeper();
    if (keeper === "closing" || keeper === "closed") return { health: "closed", reason: keeper };
    if (keeper === "draining") return { health: "draining", reason: "draining" };
    if (isStoreFailing) return { health: "degraded", reason: "store" };
    const { count, tolerated } = host.zombies();
    if (count > tolerated) return { health: "degraded", reason: "zombies" };
    return { health: "ok", reason: "recovered" };
  };
  const check = (): void => {
    const { health, reason } = assess();
    if (health === last) return;
    last = health;
    if (health === "degraded")
      journal.warn(`health:${reason}`, { health, reason }, "The keeper's health is degraded.");
    if (journal.isObserved) journal.emit({ type: "health.changed", at: host.now(), health, reason });
  };

  return {
    get current() {
      return assess().health;
    },
    check,
    storeFailed(error) {
      journal.error("store", { error }, "The store failed.");
      if (journal.isObserved) journal.emit({ type: "store.failed", at: host.now(), error });
      if (isStoreFailing) return;
      isStoreFailing = true;
      check();
    },
    storeAnswered() {
      if (!isStoreFailing) return;
      isStoreFailing = false;
      if (journal.isObserved) journal.emit({ type: "store.recovered", at: host.now() });
      check();
    },
    storeLost(error) {
      isStoreLost = true;
      journal.error("store", { error }, "This keeper's store was taken away; it closes itself.");
      if (journal.isObserved) journal.emit({ type: "store.failed", at: host.now(), error });
      check();
    },
  };
}

import { createAgents } from "./agents.ts";
import type { Dispatcher, Slots } from "./dispatcher.ts";
import { createGroups } from "./groups.ts";
import { Line } from "./line.ts";
import { createLoans, noLoan } from "./loans.ts";
import { Slot, type SlotOwner } from "./slot.ts";
import { createWaitingClaims } from "./waiting-claims.ts";

/**
 * The dispatcher within one process: so many slots, budgets for groups, agents taking turns (B10a, B12–B16).
 *
 * I1. `held` never exceeds `turns` by giving slots, nor a group its limit, nor is what is reserved for a group given to
 *     another; lowering any of them evicts nobody.
 * I2. When a call is over nobody waits who could have a slot: so a new claim that can have one overtakes nobody.
 * I3. Deciding runs nobody else's code. Who was given a slot is told afterwards, in the order of the decisions, by one loop
 *     that is not entered again: what is asked of a claim meanwhile is decided at once and told by that loop.
 * I4. A slot is given on only while all that share it wait, and counts once, in its owner's group. Whoever leaves it leaves it
 *     to the others; the longest of them owns it.
 * I5. With nobody waiting and nothing lent, a slot costs no more than one look for its agent.
 */
export function createCapacity(slots: Slots, now: () => number): Dispatcher {
  const groups = createGroups(slots);
  const agents = createAgents(rememberedAgents);
  const waiting = createWaitingClaims(groups, agents);
  const loans = createLoans();
  const untold = new Line<Slot>();
  let isHolding = false;
  let isTelling = false;

  const give = (slot: Slot): void => {
    slot.state = "untold";
    untold.add(slot);
  };
  /** Gives one of our slots. A borrowed one is nobody's turn (B15). */
  const occupy = (slot: Slot): void => {
    groups.take(slot.group);
    agents.give(agents.of(slot.request.agent));
    give(slot);
  };
  /** Gives a slot on to one more, behind the last that shares it. */
  const borrow = (slot: Slot, sharer: Slot): void => {
    const { lastUser } = sharer;
    slot.group = sharer.group;
    slot.lender = lastUser;
    lastUser.borrower = slot;
    give(slot);
  };

  /** Gives what is free to those that wait. */
  const fill = (): void => {
    if (isHolding || waiting.size === 0 || groups.held >= groups.turns) return;
    waiting.raise(now());
    for (let slot = waiting.next(); slot !== undefined; slot = waiting.next()) {
      waiting.remove(slot);
      occupy(slot);
    }
  };
  /** Gives a slot that nobody runs on to the first that those who share it lend it to: what the last of them awaits first. */
  const offer = (sharer: Slot): void => {
    if (!loans.isFree(sharer)) return;
    for (const lender of sharer.users()) {
      for (const sessionKey of loans.sessionsOf(lender)) {
        const slot = waiting.ofSession(sessionKey);
        if (slot === undefined) continue;
        waiting.remove(slot);
        borrow(slot, sharer);
        return;
      }
    }
  };
  const tell = (): void => {
    if (isTelling) return;
    isTelling = true;
    let failure: { readonly error: unknown } | undefined;
    for (let slot = untold.first; slot !== undefined; slot = untold.first) {
      untold.remove(slot);
      slot.state = "held";
      try {
        slot.request.granted();
      } catch (error) {
        // The others have their slots already and must hear of it.
        failure ??= { error };
      }
    }
    isTelling = false;
    if (failure !== undefined) throw failure.error;
  };

  const owner: SlotOwner = {
    change(slot, demand) {
      if (slot.state !== "waiting") return;
      waiting.change(slot, demand);
      fill();
      tell();
    },
    lend(slot, sessionKey) {
      if (!slot.isHeld) return noLoan;
      const loan = loans.open(slot, sessionKey);
      offer(slot);
      tell();
      return loan;
    },
    release(slot) {
      const { state, lender, borrower } = slot;
      if (state === "released") return;
      slot.state = "released";
      if (state === "waiting") {
        waiting.remove(slot);
        return;
      }
      if (state === "untold") untold.remove(slot);
      loans.endAll(slot);
      slot.lender = slot.borrower = undefined;
      if (lender !== undefined) lender.borrower = borrower;
      if (borrower !== undefined) borrower.lender = lender;
      const sharer = borrower ?? lender;
      if (sharer !== undefined) {
        offer(sharer);
      } else {
        groups.giveBack(slot.group);
        fill();
      }
      tell();
    },
  };

  return {
    get held() {
      return groups.held;
    },
    get waiting() {
      return waiting.size;
    },
    get turns() {
      return groups.turns;
    },
    claim(request) {
      const { demand } = request;
      const slot = new Slot(owner, request, demand, groups.of(demand.group));
      const lender = loans.lenderFor(request.sessionKey);
      if (lender !== undefined) borrow(slot, lender);
      else if (!isHolding && groups.hasRoom(slot.group)) occupy(slot);
      else waiting.add(slot, now());
      tell();
      return slot;
    },
    resize(next) {
      groups.replace(next);
      waiting.regroup();
      fill();
      tell();
    },
    hold() {
      isHolding = true;
    },
  };
}

/** Agents whose last grant is kept though nothing of theirs waits. */
const rememberedAgents = 10_000;

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createCapacity } from "./capacity.ts";
import type { Claim, ClaimRequest, Demand, Dispatcher, Loan, Slots } from "./dispatcher.ts";
import { priorityRank } from "./priority.ts";

/** A claim of the naive dispatcher. */
interface Party {
  readonly request: ClaimRequest;
  readonly since: number;
  demand: Demand;
  state: "waiting" | "held" | "released";
  /** The group its slot counts in. */
  account: string | undefined;
  lender: Party | undefined;
  borrower: Party | undefined;
}

/** The rules written down as they are read: everything is found by looking at every claim there was. */
function createNaiveCapacity(first: Slots, now: () => number): Dispatcher {
  let slots = first;
  let isHolding = false;
  let isTelling = false;
  const parties: Party[] = [];
  const loans: { lender: Party; sessionKey: string; isOpen: boolean }[] = [];
  /** Agents in the order of their grants, an agent again for each. */
  const grants: string[] = [];
  /** When an agent that was never given a slot came, in grants. */
  const came = new Map<string, number>();
  let untold: Party[] = [];

  const waiting = (): Party[] => parties.filter(({ state }) => state === "waiting");
  const owners = (): Party[] =>
    parties.filter(({ state, lender }) => state === "held" && lender === undefined);
  const groupOf = ({ demand: { group } }: Party): string | undefined =>
    group !== undefined && slots.groups.has(group) ? group : undefined;
  const heldBy = (group: string): number => owners().filter(({ account }) => account === group).length;
  const isFull = (group: string | undefined): boolean =>
    group !== undefined && heldBy(group) >= slots.groups.get(group)!.limit;
  const isEligible = (party: Party): boolean => {
    const group = groupOf(party);
    let free = slots.turns - owners().length;
    for (const [name, { reserved }] of slots.groups) {
      if (name !== group) free -= Math.max(0, reserved - heldBy(name));
    }
    return free > 0 && !isFull(group);
  };
  const rank = (party: Party): number =>
    Math.min(2, priorityRank[party.demand.priority] + Math.floor((now() - party.since) / 15_000));
  const lastGrant = ({ request: { agent } }: Party): number =>
    grants.includes(agent) ? grants.lastIndexOf(agent) : came.get(agent)!;
  const best = (): Party | undefined =>
    waiting()
      .filter(isEligible)
      .toSorted(
        (a, b) => rank(b) - rank(a) || lastGrant(a) - lastGrant(b) || parties.indexOf(a) - parties.indexOf(b),
      )[0];

  const hold = (party: Party, lender: Party | undefined): void => {
    party.state = "held";
    party.account = lender === undefined ? groupOf(party) : lender.account;
    party.lender = lender;
    if (lender === undefined) grants.push(party.request.agent);
    else lender.borrower = party;
    untold.push(party);
  };
  const lends = (party: Party): boolean => loans.some(({ lender, isOpen }) => isOpen && lender === party);
  /** All that share a party's slot, its owner first. */
  const sharers = (party: Party): Party[] => {
    let owner = party;
    while (owner.lender !== undefined) owner = owner.lender;
    const all: Party[] = [];
    for (let one: Party | undefined = owner; one !== undefined; one = one.borrower) all.push(one);
    return all;
  };
  /** The first thing that is to be granted, until there is none. */
  const settle = (): void => {
    for (;;) {
      // A slot is free where all that share it lend; what the last of them lends to goes first.
      const useful = loans.filter(
        ({ lender, sessionKey, isOpen }) =>
          isOpen &&
          sharers(lender).every(lends) &&
          waiting().some(({ request }) => request.sessionKey === sessionKey),
      );
      if (useful.length > 0) {
        const chain = sharers(useful[0]!.lender);
        const ofChain = useful.filter(({ lender }) => chain.includes(lender));
        const [loan] = ofChain.toSorted((a, b) => chain.indexOf(b.lender) - chain.indexOf(a.lender));
        hold(
          waiting().find(({ request }) => request.sessionKey === loan!.sessionKey)!,
          chain.at(-1),
        );
        continue;
      }
      const party = isHolding ? undefined : best();
      if (party === undefined) break;
      hold(party, undefined);
    }
    if (isTelling) return;
    isTelling = true;
    for (let party = untold.shift(); party !== undefined; party = untold.shift()) party.request.granted();
    isTelling = false;
  };

  const claimOf = (party: Party): Claim => ({
    get isHeld() {
      return party.state === "held";
    },
    get isBorrowed() {
      return party.lender !== undefined;
    },
    get countsIn() {
      return party.state === "held" ? party.account : undefined;
    },
    get waitsFor() {
      if (party.state !== "waiting") return undefined;
      return isFull(groupOf(party)) ? "group" : "capacity";
    },
    change(demand) {
      party.demand = demand;
      settle();
    },
    lend(sessionKey): Loan {
      const loan = { lender: party, sessionKey, isOpen: party.state === "held" };
      loans.push(loan);
      settle();
      return { end: () => void (loan.isOpen = false) };
    },
    release() {
      const { lender, borrower } = party;
      party.state = "released";
      party.lender = party.borrower = undefined;
      untold = untold.filter((one) => one !== party);
      for (const loan of loans) if (loan.lender === party) loan.isOpen = false;
      if (borrower !== undefined) borrower.lender = lender;
      if (lender !== undefined) lender.borrower = borrower;
      if (borrower !== undefined) borrower.account = lender?.account ?? party.account;
      settle();
    },
  });
  return {
    get held() {
      return owners().length;
    },
    get waiting() {
      return waiting().length;
    },
    get turns() {
      return slots.turns;
    },
    claim(request) {
      const party: Party = {
        request,
        since: now(),
        demand: request.demand,
        state: "waiting",
        account: undefined,
        lender: undefined,
        borrower: undefined,
      };
      const { agent } = request;
      const isKnown = waiting().some((other) => other.request.agent === agent);
      if (!isKnown) came.set(agent, grants.length - 1.5);
      parties.push(party);
      settle();
      return claimOf(party);
    },
    resize(next) {
      slots = next;
      settle();
    },
    hold() {
      isHolding = true;
    },
  };
}

/** What a claim does when it is granted: it gives its slot back, releases the newest claim that holds one, or claims another. */
type Reaction = "release" | "release newest" | "claim" | undefined;
type Step =
  | { act: "claim"; session: number; agent: number; demand: Demand; reaction: Reaction }
  | { act: "release" | "release again" | "end"; at: number }
  | { act: "change"; at: number; demand: Demand }
  | { act: "lend"; at: number; session: number }
  | { act: "resize"; slots: Slots }
  | { act: "pass"; ms: number }
  | { act: "hold" };

/** What a dispatcher answers after each step, and whom it has told of a slot meanwhile. */
function traceOf(
  create: (slots: Slots, now: () => number) => Dispatcher,
  slots: Slots,
  steps: Step[],
): string[] {
  let now = 0;
  const dispatcher = create(slots, () => now);
  const claims: (Claim | undefined)[] = [];
  const loans: Loan[] = [];
  let told: string[] = [];
  let isTold = false;
  const pick = (at: number, isWanted: (claim: Claim) => boolean): Claim | undefined => {
    const wanted = claims.filter((one) => one !== undefined && isWanted(one));
    return wanted[at % Math.max(1, wanted.length)];
  };
  const claim = (sessionKey: string, agent: string, demand: Demand, reaction: Reaction): void => {
    const index = claims.push(undefined) - 1;
    const granted = (): void => {
      told.push(isTold ? `${index} inside another` : `${index}`);
      isTold = true;
      if (reaction === "release") claims[index]?.release();
      if (reaction === "release newest") claims.findLast((one) => one?.isHeld)?.release();
      if (reaction === "claim") claim(sessionKey, agent, demand, undefined);
      isTold = false;
    };
    claims[index] = dispatcher.claim({ sessionKey, agent, demand, granted, lost() {} });
  };
  const take = (step: Step): void => {
    switch (step.act) {
      case "claim":
        return claim(`s${step.session}`, `a${step.agent}`, step.demand, step.reaction);
      case "release":
        return pick(step.at, (one) => one.isHeld || one.waitsFor !== undefined)?.release();
      case "release again":
        return pick(step.at, () => true)?.release();
      case "change":
        return pick(step.at, (one) => !one.isHeld)?.change(step.demand);
      case "lend": {
        // Now and then a claim that waits or is over.
        const lender = pick(step.at, (one) => one.isHeld || step.at % 10 === 0);
        if (lender !== undefined) loans.push(lender.lend(`s${step.session}`));
        return;
      }
      case "end":
        return loans[step.at % Math.max(1, loans.length)]?.end();
      case "resize":
        return dispatcher.resize(step.slots);
      case "pass":
        now += step.ms;
        return;
      case "hold":
        return dispatcher.hold();
    }
  };
  return steps.map((step) => {
    told = [];
    take(step);
    const states = claims.map((one) => {
      if (one?.isHeld === true) return one.isBorrowed ? "borrowed" : "held";
      return one?.waitsFor ?? "-";
    });
    const { held, waiting, turns } = dispatcher;
    return `${step.act}: told ${told.join()}; ${held}/${turns} held, ${waiting} waiting; ${states.join(" ")}`;
  });
}

const anyGroup = fc.constantFrom(undefined, undefined, "g1", "g2", "g3");
const anyDemand: fc.Arbitrary<Demand> = fc.record({
  priority: fc.constantFrom("foreground", "normal", "background"),
  group: anyGroup,
});
const anySlots: fc.Arbitrary<Slots> = fc.record({
  turns: fc.integer({ min: 1, max: 5 }),
  groups: fc
    .dictionary(
      fc.constantFrom("g1", "g2", "g3"),
      fc.record({ limit: fc.integer({ min: 1, max: 3 }), reserved: fc.nat(1) }),
      { maxKeys: 3 },
    )
    .map((groups) => new Map(Object.entries(groups))),
});
const act = <K extends Step["act"]>(name: K): fc.Arbitrary<K> => fc.constant(name);
const anySession = fc.nat(5);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      act: act("claim"),
      session: anySession,
      agent: fc.nat(3),
      demand: anyDemand,
      reaction: fc.constantFrom<Reaction[]>(
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        "release",
        "release newest",
        "claim",
      ),
    }),
  },
  { weight: 10, arbitrary: fc.record({ act: act("release"), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ act: act("release again"), at: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ act: act("change"), at: fc.nat(), demand: anyDemand }) },
  { weight: 5, arbitrary: fc.record({ act: act("lend"), at: fc.nat(), session: anySession }) },
  { weight: 1, arbitrary: fc.record({ act: act("end"), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ act: act("resize"), slots: anySlots }) },
  {
    weight: 4,
    arbitrary: fc.record({ act: act("pass"), ms: fc.constantFrom(1, 4_999, 5_000, 14_999, 15_000) }),
  },
);

it("decides as one that looks at every claim each time (B10a, B12, B14–B16)", () => {
  fc.assert(
    fc.property(anySlots, fc.array(anyStep, { maxLength: 80, size: "max" }), (slots, steps) => {
      expect(traceOf(createCapacity, slots, steps)).toEqual(traceOf(createNaiveCapacity, slots, steps));
    }),
    { numRuns: 500 },
  );
});

it("decides as one that looks at every claim, also once it was told to hold", () => {
  fc.assert(
    fc.property(
      anySlots,
      fc.array(anyStep, { maxLength: 40, size: "max" }),
      fc.nat(20),
      (slots, steps, at) => {
        const all: Step[] = steps.toSpliced(at, 0, { act: "hold" });
        expect(traceOf(createCapacity, slots, all)).toEqual(traceOf(createNaiveCapacity, slots, all));
      },
    ),
  );
});

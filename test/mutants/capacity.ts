import { crossing, type Mutant, rules, units } from "./mutant.ts";

/** Slots, groups, fairness, lending, and what says that they are short (B10a, B12–B16, B32). */
export const capacityMutants: readonly Mutant[] = [
  {
    name: "reserved-slots-given-away",
    rules: ["B12"],
    change: "a group that uses its reserved slots takes those of other groups too",
    file: "packages/lanekeeper/src/dispatch/groups.ts",
    find: `      const reservedForOthers = reservedAndFree - Math.max(0, group.reserved - group.held);`,
    replace: `      const reservedForOthers = reservedAndFree - group.reserved;`,
    kills: [...units("dispatch/naive-capacity"), ...crossing("conformance/dispatcher"), ...rules("groups")],
  },
  {
    name: "reservation-counted-after-the-slot",
    rules: ["B12"],
    change: "a reserved slot that is given back is not kept free for its group again",
    file: "packages/lanekeeper/src/dispatch/groups.ts",
    find: `      group.held--;
      held--;
      if (group.held < group.reserved) reservedAndFree++;`,
    replace: `      if (group.held < group.reserved) reservedAndFree++;
      group.held--;
      held--;`,
    kills: [...units("dispatch/naive-capacity", "dispatch/groups"), ...rules("groups")],
  },
  {
    name: "turn-in-another-groups-slot",
    rules: ["B12"],
    change: "a turn runs in the slot of the group its lane asked for, whatever it holds by then",
    file: "packages/lanekeeper/src/lanes/opening.ts",
    find: `    const isOtherGroup = selection !== undefined && !countsIn(lane, groupOf(selection, opening));`,
    replace: `    const isOtherGroup = selection?.cause === "heartbeat" && !countsIn(lane, groupOf(selection, opening));`,
    kills: rules("races-capacity", "groups"),
  },
  {
    name: "completion-refused-as-overload",
    rules: ["B12", "B35"],
    change: "a command's completion is lost where too many items wait over all sessions",
    file: "packages/lanekeeper/src/store/mailbox-append.ts",
    find: `  if (item.incarnation === undefined && isOver(state, limits)) {`,
    replace: `  if (isOver(state, limits)) {`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("overload")],
  },
  {
    name: "waiting-for-capacity-called-stuck",
    rules: ["B13", "B14"],
    change:
      "a lane that has waited for a slot as long as a turn may be silent gives up its place and asks anew",
    file: "machines/session-lane/session-lane.machine.ts",
    find: `            "session.reset": { target: "restarting", actions: "releaseSlot" },
          },
          always: { guard: "isHeldBack", target: "choosing", actions: "releaseSlot" },`,
    replace: `            "session.reset": { target: "restarting", actions: "releaseSlot" },
          },
          always: { guard: "isHeldBack", target: "choosing", actions: "releaseSlot" },
          after: { stallDeadline: { target: "choosing", actions: "releaseSlot" } },`,
    kills: rules("capacity", "priorities"),
  },
  {
    name: "waiting-raises-nothing",
    rules: ["B14"],
    change: "background work waits behind foreground work for ever",
    file: "packages/lanekeeper/src/dispatch/capacity.ts",
    find: `    waiting.raise(now());
`,
    replace: "",
    kills: [
      ...units("dispatch/naive-capacity"),
      ...crossing("conformance/dispatcher"),
      ...rules("priorities"),
    ],
  },
  {
    name: "new-demand-loses-its-place",
    rules: ["B14", "B15"],
    change: "a lane whose priority or group changes while it waits goes to the end of its like",
    file: "packages/lanekeeper/src/dispatch/waiting-claims.ts",
    find: `    slot.group = group;
    slot.rank = rank;
    rotationOf(slot).add(slot);`,
    replace: `    slot.group = group;
    slot.rank = rank;
    slot.order = ++added;
    rotationOf(slot).add(slot);`,
    kills: [...units("dispatch/naive-capacity", "dispatch/waiting-claims"), ...rules("priorities")],
  },
  {
    name: "newcomers-always-first",
    rules: ["B15"],
    change: "an agent that comes for the first time goes before all that wait, for as long as such come",
    file: "packages/lanekeeper/src/dispatch/agents.ts",
    find: `          lastGrant: grants - 0.5,`,
    replace: `          lastGrant: -1,`,
    kills: [...units("dispatch/naive-capacity", "dispatch/agents"), ...rules("rotation")],
  },
  {
    name: "borrowed-slot-is-a-turn",
    rules: ["B15", "B10a"],
    change: "a turn on a borrowed slot counts as its agent's turn at the free ones",
    file: "packages/lanekeeper/src/dispatch/capacity.ts",
    find: `    lastUser.borrower = slot;
    give(slot);`,
    replace: `    lastUser.borrower = slot;
    agents.give(agents.of(slot.request.agent));
    give(slot);`,
    kills: [...units("dispatch/naive-capacity", "dispatch/capacity"), ...rules("rotation", "lending")],
  },
  {
    name: "raised-capacity-wakes-nobody",
    rules: ["B16"],
    change: "setCapacity raises the number of slots, and who waits hears of it when the next turn ends",
    file: "packages/lanekeeper/src/dispatch/capacity.ts",
    find: `      groups.replace(next);
      waiting.regroup();
      fill();`,
    replace: `      groups.replace(next);
      waiting.regroup();`,
    kills: [...units("dispatch/naive-capacity"), ...crossing("conformance/dispatcher"), ...rules("capacity")],
  },
  {
    name: "slot-lent-while-another-runs-on-it",
    rules: ["B10a"],
    change: "a slot is given on as soon as one of those who share it waits",
    file: "packages/lanekeeper/src/dispatch/loans.ts",
    find: `    for (const user of slot.users()) if (!byLender.has(user)) return false;
    return true;`,
    replace: `    for (const user of slot.users()) if (byLender.has(user)) return true;
    return false;`,
    kills: [...units("dispatch/naive-capacity", "dispatch/loans"), ...rules("races-lending", "lending")],
  },
  {
    name: "borrowed-slot-counted-free",
    rules: ["B10a", "B12"],
    change: "a borrower gives its lender's slot back to everybody",
    file: "packages/lanekeeper/src/dispatch/capacity.ts",
    find: `      const sharer = borrower ?? lender;`,
    replace: `      const sharer = borrower;`,
    kills: [...units("dispatch/naive-capacity"), ...crossing("conformance/dispatcher"), ...rules("lending")],
  },
  {
    name: "nothing-lent-in-a-drain",
    rules: ["B10a", "B58"],
    change: "a turn that awaits another session keeps a drain from ending: nothing is lent any more",
    file: "packages/lanekeeper/src/dispatch/capacity.ts",
    find: `      if (lender !== undefined) borrow(slot, lender);
      else if (!isHolding`,
    replace: `      if (lender !== undefined && !isHolding) borrow(slot, lender);
      else if (!isHolding`,
    kills: [...units("dispatch/naive-capacity"), ...crossing("conformance/dispatcher"), ...rules("drain")],
  },
  {
    name: "told-turn-lends-on",
    rules: ["B10a", "B28"],
    change: "a turn that was told to stop goes on lending its slot",
    file: "packages/lanekeeper/src/turns/awaits.ts",
    find: `      const forgetStop = turn.whenStopped(() => end(one));`,
    replace: `      const forgetStop = turn.whenStopped(() => {});`,
    kills: rules("lending-ends"),
  },
  {
    name: "ended-turn-lends-on",
    rules: ["B10a"],
    change: "a turn that ended without the reply it asked for lends its session's next turn's slot",
    file: "packages/lanekeeper/src/turns/awaits.ts",
    find: `      for (const one of byTurn.get(turn) ?? []) end(one);
`,
    replace: "",
    kills: rules("lending-ends"),
  },
  {
    name: "blocked-by-a-group-called-capacity",
    rules: ["B32", "B42"],
    change: "lane.blocked blames capacity where the lane's group is full",
    file: "packages/lanekeeper/src/dispatch/blocked-notices.ts",
    find: `      reason: reason === "capacity" ? (lane.claim?.waitsFor ?? reason) : reason,`,
    replace: `      reason,`,
    kills: rules("blocked"),
  },
  {
    name: "blocked-said-once",
    rules: ["B32", "B61"],
    change: "a lane that cannot start says so once, and never again while it lasts",
    file: "packages/lanekeeper/src/dispatch/blocked-notices.ts",
    find: `        watch.nextAt = now + everyMs;`,
    replace: `        watch.nextAt = Infinity;`,
    also: [
      {
        file: "packages/lanekeeper/src/dispatch/blocked-notices.ts",
        find: `const everyMs = 30_000;
`,
        replace: "",
      },
    ],
    kills: rules("blocked"),
  },
];

import { charts, crossing, type Mutant, rules } from "./mutant.ts";

/** Locks and the leases under them (B49–B54a). */
export const lockMutants: readonly Mutant[] = [
  {
    name: "belief-without-a-margin",
    rules: ["B49"],
    change: "a lease is believed in until the very instant at which it can be another's",
    file: "machines/lock-holder/lock-lease.ts",
    find: `  return sent.monotonic + terms.ttlMs - terms.marginMs;`,
    replace: `  return sent.monotonic + terms.ttlMs;`,
    kills: [...crossing("leases/lock-group"), ...rules("locks-belief"), ...charts("lock-holder/lock-lease")],
  },
  {
    name: "belief-from-the-answer",
    rules: ["B49"],
    change: "a renewal counts from when its answer came, not from when it was sent",
    file: "packages/lanekeeper/src/locks/lease-requests.ts",
    find: `      const { name, owner, token, ttlMs } = request;
      const sent = instants.now();
      ask(
        () => leases.renew(name, owner, BigInt(token!), ttlMs),
        {
          answered: (isOurs) =>
            tell(
              isOurs
                ? { type: "renewal.confirmed", sent, received: instants.now() }`,
    replace: `      const { name, owner, token, ttlMs } = request;
      ask(
        () => leases.renew(name, owner, BigInt(token!), ttlMs),
        {
          answered: (isOurs) =>
            tell(
              isOurs
                ? { type: "renewal.confirmed", sent: instants.now(), received: instants.now() }`,
    kills: [...crossing("leases/lock-group"), ...rules("locks-belief", "locks-races")],
  },
  {
    name: "sleep-not-noticed",
    rules: ["B49"],
    change: "assertHeld() asks the monotonic clock alone, which stands still while the machine sleeps",
    file: "machines/lock-holder/lock-holder.logic.ts",
    find: `    loss === null &&
    now.monotonic < beliefEndsAt(terms, lease.confirmed) &&
    !hasSlept(terms, lease.confirmed, now)
  );`,
    replace: `    loss === null &&
    now.monotonic < beliefEndsAt(terms, lease.confirmed)
  );`,
    also: [
      {
        file: "machines/lock-holder/lock-holder.logic.ts",
        find: `import { beliefEndsAt, hasSlept, type Instant, isConfirmation, type LockTerms } from "./lock-lease.ts";`,
        replace: `import { beliefEndsAt, type Instant, isConfirmation, type LockTerms } from "./lock-lease.ts";`,
      },
    ],
    kills: [...crossing("leases/lock-group"), ...rules("locks-belief")],
  },
  {
    name: "step-back-hides-a-sleep",
    rules: ["B49"],
    change: "a step back of the wall clock is taken along, and hides the sleep after it",
    file: "packages/lanekeeper/src/locks/instants.ts",
    find: `      if (nowSkew > skew + clockSlackMs) aheadMs += nowSkew - skew;`,
    replace: `      if (Math.abs(nowSkew - skew) > clockSlackMs) aheadMs += nowSkew - skew;`,
    kills: [...crossing("leases/lock-group"), ...rules("locks-belief")],
  },
  {
    name: "sleep-noticed-only-when-asked",
    rules: ["B49"],
    change: "the look at both clocks compares what it has just seen with itself, and finds no sleep",
    file: "packages/lanekeeper/src/locks/sleep-watch.ts",
    find: `    const isAhead = instants.aheadMs > seenAheadMs;
    seenAheadMs = instants.aheadMs;`,
    replace: `    seenAheadMs = instants.aheadMs;
    const isAhead = instants.aheadMs > seenAheadMs;`,
    kills: rules("locks-belief"),
  },
  {
    name: "renewal-repeated-beside-itself",
    rules: ["B50"],
    change: "a renewal that is late is sent once more while the first is under way",
    file: "machines/lock-holder/lock-holder.machine.ts",
    find: `            renewalLimit: { target: "#lockHolder.stalled" },`,
    replace: `            renewalLimit: { target: "#lockHolder.stalled", actions: "sendRenewal" },`,
    kills: [...rules("locks-belief"), ...charts("lock-holder/lock-holder.machine")],
  },
  {
    name: "failed-renewal-waits-longer",
    rules: ["B50"],
    change: "a renewal that failed is tried again later than a usual one, not sooner",
    file: "machines/lock-holder/lock-lease.ts",
    find: `  return Math.min(terms.renewEveryMs / 2, 1_000`,
    replace: `  return Math.max(terms.renewEveryMs / 2, 1_000`,
    kills: [...rules("locks-belief"), ...charts("lock-holder/lock-lease")],
  },
  {
    name: "renewed-after-belief-was-over",
    rules: ["B50"],
    change: "a timer that fires late sends a renewal although belief in the lease is over",
    file: "packages/lanekeeper/src/locks/lock-effects.ts",
    find: `      isBeliefOver: ({ context }) => instants.now().monotonic >= beliefEnd(context),`,
    replace: `      isBeliefOver: ({ context }) => context.loss !== null,`,
    kills: rules("locks-belief"),
  },
  {
    name: "dead-holder-for-ever",
    rules: ["B51"],
    change: "a lease never runs out: a holder that died keeps everybody waiting",
    file: "packages/lanekeeper/src/store/memory-leases.ts",
    find: `    return lease !== undefined && lease.expiresAt > clock().monotonic() ? lease : undefined;`,
    replace: `    return lease;`,
    kills: [...crossing("conformance/leases", "incidents/two-hour-lock")],
  },
  {
    name: "lock-token-reused",
    rules: ["B52"],
    change: "the tokens of a name begin again when its lock is released",
    file: "packages/lanekeeper/src/store/memory-leases.ts",
    find: `      leases.delete(name);
      for (const released`,
    replace: `      leases.delete(name);
      tokens.delete(name);
      for (const released`,
    kills: [...crossing("conformance/leases"), ...rules("locks")],
  },
  {
    name: "released-by-a-former-owner",
    rules: ["B52"],
    change: "a release whose answer was lost gives back the lease of whoever has it by now",
    file: "packages/lanekeeper/src/store/memory-leases.ts",
    find: `      if (current === undefined || current.owner !== owner) return false;`,
    replace: `      if (current === undefined) return false;`,
    also: [
      {
        file: "packages/lanekeeper/src/store/memory-leases.ts",
        find: `    async release(name, owner, token) {`,
        replace: `    async release(name, _owner, token) {`,
      },
    ],
    kills: crossing("conformance/leases", "leases/lock-group"),
  },
  {
    name: "no-line-for-a-lock",
    rules: ["B53"],
    change: "those who wait for a lock in one process all ask the store at once, in no order",
    file: "packages/lanekeeper/src/locks/lock-line.ts",
    find: `      lines.set(waiter.name, line.add(waiter));
      return line.size === 1;`,
    replace: `      lines.set(waiter.name, line.add(waiter));
      return true;`,
    kills: rules("locks-races", "locks"),
  },
  {
    name: "grant-kept-after-giving-up",
    rules: ["B53"],
    change: "a lease that is granted to somebody who gave up waiting is not given back",
    file: "machines/lock-holder/lock-holder.machine.ts",
    find: `                "acquisition.granted": { target: "#lockHolder.busy.undoing" },
                "acquisition.denied": { target: "#lockHolder.idle.refused" },`,
    replace: `                "acquisition.granted": { target: "#lockHolder.idle.refused" },
                "acquisition.denied": { target: "#lockHolder.idle.refused" },`,
    kills: rules("locks-races", "locks"),
  },
  {
    name: "late-grant-kept",
    rules: ["B53"],
    change: "a lease that is granted after its question counted as failed stays with nobody",
    file: "packages/lanekeeper/src/locks/lock-holders.ts",
    find: `    if (unclaimed !== undefined && lock.fencingToken === 0n) requests.release(unclaimed, () => {});
`,
    replace: "",
    also: [
      {
        file: "packages/lanekeeper/src/locks/lock-holders.ts",
        find: `    const { unclaimed } = lock;
`,
        replace: "",
      },
    ],
    kills: rules("locks"),
  },
  {
    name: "next-in-line-not-told-of-a-loss",
    rules: ["B53"],
    change: "who waits behind a lock that was lost is never reached",
    file: "machines/lock-holder/lock-holder.machine.ts",
    find: `      entry: ["abortSignal", "leaveLine", "reportLost"],`,
    replace: `      entry: ["abortSignal", "reportLost"],`,
    kills: rules("locks-belief"),
  },
  {
    name: "lasting-failure-waited-out",
    rules: ["B53"],
    change: "a lease store that can never work is asked every second until waitMs is over",
    file: "packages/lanekeeper/src/locks/lease-requests.ts",
    find: `  return error instanceof LanekeeperError && error.code !== "STORE_UNAVAILABLE";`,
    replace: `  return error instanceof LanekeeperError && error.code === "CLOSED";`,
    kills: rules("locks-store"),
  },
  {
    name: "line-is-taken",
    rules: ["B53"],
    change: "who asks once behind others is told that the lock is taken, and the store is not asked",
    file: "packages/lanekeeper/src/locks/lock-effects.ts",
    find: `        if (first.isOwned && first.withdrawn === undefined) host.tell(`,
    replace: `        if (first.request !== undefined) host.tell(`,
    kills: rules("locks-store", "locks-store-races"),
  },
  {
    name: "failure-shared-as-a-denial",
    rules: ["B53"],
    change: "who asks once while another's question fails is told that the lock is taken",
    file: "packages/lanekeeper/src/locks/lock-effects.ts",
    find: `          host.tell(other, { type: context.unsure ? "line.failed" : "line.taken" });`,
    replace: `          host.tell(other, { type: "line.taken" });`,
    kills: rules("locks-store", "locks-store-races"),
  },
  {
    name: "time-out-blamed-on-others",
    rules: ["B53"],
    change: "who waits in line while the store fails the first is told that the lock did not become free",
    file: "packages/lanekeeper/src/locks/lock-effects.ts",
    find: `      isLineFailed: ({ context }) => lines.first(context.name)?.snapshot.context.unsure === true,`,
    replace: `      isLineFailed: ({ context }) => lines.first(context.name)?.snapshot.context.refusal === "unavailable",`,
    kills: rules("locks-store"),
  },
  {
    name: "outer-lock-not-recognised",
    rules: ["B53"],
    change: "acquiring a name inside its own using waits for itself where another using lies between",
    file: "packages/lanekeeper/src/locks/using-scope.ts",
    find: `      for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
        if (frame.isOpen && frame.lock.name === name && frame.lock.isOwned) return true;
      }
      return false;`,
    replace: `      const frame = frames.getStore();
      return frame?.isOpen === true && frame.lock.name === name && frame.lock.isOwned;`,
    kills: rules("locks"),
  },
  {
    name: "loss-hidden-by-success",
    rules: ["B54"],
    change: "using resolves as if nothing had happened when the lock was lost and its work went on",
    file: "packages/lanekeeper/src/locks/locks.ts",
    find: `        if (lost !== undefined) throw lostError(`,
    replace: `        if (lost !== undefined && error !== undefined) throw lostError(`,
    kills: [...crossing("incidents/two-hour-lock"), ...rules("locks-belief", "locks")],
  },
  {
    name: "lock-given-back-under-a-zombie",
    rules: ["B54a"],
    change: "a fenced turn's lock is given back at once although its code still runs",
    file: "packages/lanekeeper/src/locks/turn-locks.ts",
    find: `      for (const lock of own) holders.forfeit(lock, "fenced");`,
    replace: `      for (const lock of own) void holders.release(lock);`,
    kills: rules("locks-turns"),
  },
  {
    name: "forgotten-lock-stays",
    rules: ["B54a"],
    change: "what a turn's code forgot to release is renewed for ever",
    file: "packages/lanekeeper/src/locks/turn-locks.ts",
    find: `        if (lock.fencingToken !== 0n) void holders.release(lock);
`,
    replace: "",
    kills: rules("locks-turns"),
  },
  {
    name: "fenced-turn-acquires",
    rules: ["B54a", "B28"],
    change: "a turn that was told to stop may still acquire locks",
    file: "packages/lanekeeper/src/locks/turn-locks.ts",
    find: `    refusal: () => (turn.isCurrent ? undefined : turn.fencedError("A lock of turn.locks")),`,
    replace: `    refusal: () => (turn.isOver ? turn.fencedError("A lock of turn.locks") : undefined),`,
    kills: rules("locks-turns"),
  },
];

/** A lock from its request to its end, as the rules see it. */
interface ModelLock {
  readonly id: string;
  readonly keeper: number;
  readonly name: string;
  readonly askedAt: number;
  readonly waitMs: number;
  state: "waiting" | "held" | "over";
  token: bigint;
  /** The earliest and the latest instant at which the renewal that counts may have been sent. */
  renewed: { min: number; max: number };
  /** Whether a renewal that was never answered may be in flight: then it may be the last; or must be. */
  hangs: "no" | "maybe" | "yes";
  /** Since when another may have it, once it is over. */
  freeAt: number;
}

/** What the store does to every command: it fails and may be back, does not answer, or fails for good. */
export type LeaseFault = "none" | "fails" | "hangs" | "refuses";

/** What can be seen of a lock: `held` where `assertHeld()` passes. */
export interface SeenLock {
  readonly state: string;
  readonly token: bigint;
}

/** The terms of every lock in the model; milliseconds. */
export const lockTerms = { ttlMs: 60_000, renewEveryMs: 20_000, marginMs: 6_000 } as const;
/** How long what waits may take to hear that a lease has run out, or that the store answers again (B53). */
const pollMs = 12_000;
/** How long a command that the store does not answer is waited for (B33). */
const deadlineMs = 5_000;

/**
 * What the rules say of locks of several processes on one lease store (B49 to B53). Chance, other processes and late answers
 * leave room: so it says what may be seen and what must not, and goes on from what was.
 */
export class LockModel {
  now = 0;
  step = 0;
  readonly locks: ModelLock[] = [];
  fault: LeaseFault = "none";
  /** Since when the store answers, or fails. */
  #since = 0;
  #checkedAt = 0;

  request(id: string, keeper: number, name: string, waitMs: number): void {
    const renewed = { min: this.now, max: this.now };
    const lock = {
      id,
      keeper,
      name,
      askedAt: this.now,
      waitMs,
      token: 0n,
      renewed,
      hangs: "no",
      freeAt: Infinity,
    } as const;
    this.locks.push({ ...lock, state: "waiting" });
  }
  /** What is held. */
  get held(): readonly ModelLock[] {
    return this.locks.filter(({ state }) => state === "held");
  }
  release(lock: ModelLock): void {
    this.#raise("max");
    // A store that does not answer lets the lease run out.
    this.#end(lock, this.fault === "none" ? this.now : this.now + lockTerms.ttlMs);
  }
  setFault(fault: LockModel["fault"]): void {
    this.#raise("max");
    if (this.fault === "hangs") {
      const mustHang = this.now - this.#since > lockTerms.renewEveryMs;
      for (const lock of this.held) lock.hangs = mustHang ? "yes" : "maybe";
    }
    this.fault = fault;
    this.#since = this.now;
  }
  /** A process dies: its leases run out (B51). */
  crash(keeper: number): void {
    this.#raise("max");
    for (const lock of this.locks) {
      if (lock.keeper !== keeper || lock.state === "over") continue;
      // What it asked for may have been granted after it died.
      this.#end(lock, this.now + lockTerms.ttlMs);
    }
  }
  advance(ms: number): void {
    this.now += ms;
  }

  /** What of this breaks a rule; then takes it as it is. */
  check(seen: ReadonlyMap<string, SeenLock>): readonly string[] {
    this.#raise("max");
    const faults = this.locks.flatMap((lock) => {
      const is = seen.get(lock.id);
      if (lock.state === "over" || is === undefined) return [];
      return lock.state === "held" ? this.#checkHeld(lock, is) : this.#checkWaiting(lock, is, seen);
    });
    for (const name of new Set(this.locks.map((lock) => lock.name))) {
      const believers = this.locks.filter(
        (lock) => lock.name === name && seen.get(lock.id)?.state === "held",
      );
      if (believers.length > 1)
        faults.push(`B49 ${believers.map(({ id }) => id).join(" and ")} both hold ${name}`);
      const waiting = this.locks.filter((lock) => lock.name === name && lock.state === "waiting");
      if (waiting.length > 0 && this.#mustBeTaken(name))
        faults.push(`B51 ${name} is free, and ${waiting[0]!.id} waits`);
      const isLasting = this.fault === "refuses" && this.now >= this.#since + pollMs;
      for (const lock of isLasting ? waiting : []) {
        if (!this.held.some((one) => one.name === name && one.keeper === lock.keeper))
          faults.push(`B53 ${lock.id} waits for a store that failed for good`);
      }
    }
    this.#checkedAt = this.now;
    this.#raise("min");
    return faults;
  }

  #checkHeld(lock: ModelLock, { state }: SeenLock): readonly string[] {
    const lasts = lockTerms.ttlMs - lockTerms.marginMs;
    const { min, max } = lock.renewed;
    // Where the store answers, a renewal is tried again within one interval: what was lost was lost before that.
    const isSure = this.fault === "none" && lock.hangs === "no";
    const latest = isSure ? Math.min(this.now, this.#since + lockTerms.renewEveryMs) : this.now;
    if (state === "held") {
      return this.now <= max + lasts ? [] : [`B49 ${lock.id} is believed in though no renewal was confirmed`];
    }
    this.#end(lock, max + lockTerms.ttlMs);
    return latest >= min + lasts ? [] : [`B50 ${lock.id} is ${state} though it was renewed in time`];
  }
  #checkWaiting(
    lock: ModelLock,
    { state, token }: SeenLock,
    seen: ReadonlyMap<string, SeenLock>,
  ): readonly string[] {
    const isOver = this.now >= lock.askedAt + lock.waitMs;
    // Who may not wait at all asks once, after whoever asks already, and has that answer: one that does not come is waited for.
    const isSlow = this.now <= this.#since + deadlineMs;
    const isHanging = this.fault === "hangs" && this.now <= lock.askedAt + 3 * deadlineMs;
    const isAsking = lock.waitMs === 0 && (isSlow || isHanging);
    if (state === "waiting")
      return isOver && !isAsking ? [`B53 ${lock.id} waits for longer than it may`] : [];
    if (state !== "held") {
      this.#end(lock, this.now);
      if (state === "STORE_CORRUPT")
        return this.fault === "refuses" ? [] : [`B53 ${lock.id} is ${state}, and the store is not`];
      if (state === "LOCK_TIMEOUT" && lock.waitMs === 0 && !this.#wasTaken(lock, seen))
        return [`B53 ${lock.id} is told that ${lock.name} is taken, and nobody had it`];
      const isRefused = state === "LOCK_TIMEOUT" || state === "STORE_UNAVAILABLE";
      return isRefused && isOver ? [] : [`B53 ${lock.id} is ${state} before its time is over`];
    }
    const alike = this.locks.filter(({ name }) => name === lock.name);
    const isEarlier = (one: ModelLock): boolean =>
      one.keeper === lock.keeper && one.state === "waiting" && alike.indexOf(one) < alike.indexOf(lock);
    const earlier = alike.find(isEarlier);
    lock.state = "held";
    lock.token = token;
    lock.renewed = { min: Math.max(lock.askedAt, this.#checkedAt), max: this.now };
    const faults: string[] = [];
    if (earlier !== undefined) faults.push(`B53 ${lock.id} overtakes ${earlier.id}`);
    if (alike.some((one) => one !== lock && one.token >= token))
      faults.push(`B52 ${lock.id} has a token used before`);
    return faults;
  }
  #end(lock: ModelLock, freeAt: number): void {
    lock.state = "over";
    lock.freeAt = freeAt;
  }
  /** Whether another had it, or might in the store's eyes, since it was asked for. */
  #wasTaken({ id, name, askedAt }: ModelLock, seen: ReadonlyMap<string, SeenLock>): boolean {
    return this.locks.some((one) => {
      if (one.name !== name || one.id === id) return false;
      if (one.state === "waiting") return (seen.get(one.id)?.token ?? 0n) > 0n;
      return one.state === "held" || (one.freeAt >= askedAt && (one.token > 0n || one.freeAt > this.now));
    });
  }
  /** Nobody has it, nobody can, and whoever waits has had time to hear of that. */
  #mustBeTaken(name: string): boolean {
    const alike = this.locks.filter((lock) => lock.name === name && lock.state !== "waiting");
    const freeAt = Math.max(
      this.#since,
      ...alike.map((lock) => (lock.state === "held" ? Infinity : lock.freeAt)),
    );
    return this.fault === "none" && this.now >= freeAt + pollMs;
  }
  /** What is known of renewals by now. One that hangs is never repeated beside itself (B50). */
  #raise(which: "min" | "max"): void {
    const twiceMs = 2 * lockTerms.renewEveryMs;
    if (this.fault !== "none") return;
    for (const { renewed, hangs } of this.held) {
      if (which === "max" && hangs !== "yes") renewed.max = this.now;
      // After a fault it is tried again within one interval.
      const isSure = hangs === "no" && this.now - this.#since >= twiceMs;
      if (which === "min" && isSure) renewed.min = Math.max(renewed.min, this.now - twiceMs);
    }
  }
}

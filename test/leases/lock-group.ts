import { createLanekeeper, type Lanekeeper, type Lock } from "lanekeeper";
import { memoryLeases } from "lanekeeper/ports";
import type { Chance } from "@lanekeeper/testing";
import { type ProcessClock, createVirtualTime } from "@lanekeeper/testing";
import { type Fate, type LeaseCommand, scriptLeases } from "@lanekeeper/testing";

/** What a group of keepers did on one lease store, and what was seen of it. */
export interface GroupReport {
  acquired: number;
  refused: number;
  lost: number;
  doubts: number;
  deaths: number;
  sleeps: number;
  /** Moments at which two believed within the stated exception: the store had forgotten the lease of one. */
  excused: number;
  readonly violations: string[];
}

interface Member {
  readonly keeper: Lanekeeper;
  readonly clock: ProcessClock;
  /** True milliseconds. */
  steppedAt: number;
}
interface Held {
  readonly lock: Lock;
  readonly member: Member;
  readonly owner: string | undefined;
  readonly ttlMs: number;
  /** True milliseconds until which it may believe beside another: its lease was forgotten. */
  excusedUntil: number;
  believed: boolean;
}

const hour = 3_600_000;
const minute = 60_000;
/** A holder looks at its clocks once in half its margin, which is a tenth of at most an hour; timers may be late. */
const lookMs = 4 * minute;
const names = ["ledger", "index"] as const;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Lets a group of keepers live on one lease store for some hours, with every fault there is. */
export async function liveAsGroup(chance: Chance, hours: number): Promise<GroupReport> {
  const time = createVirtualTime();
  const report: GroupReport = {
    acquired: 0,
    refused: 0,
    lost: 0,
    doubts: 0,
    deaths: 0,
    sleeps: 0,
    excused: 0,
    violations: [],
  };
  let isOver = false;
  /** Until then the store is in trouble. */
  let stormUntil = 0;
  const held = new Map<string, Set<Held>>(names.map((name) => [name, new Set()]));
  const tokens = new Map<string, bigint>();
  const leases = scriptLeases(
    memoryLeases(() => time.clock),
    (ms, callback) => time.after(ms, callback),
    (command) => (isOver ? {} : fateFor(chance, command, time.now < stormUntil)),
    chance.happens(0.5),
  );

  const join = async (): Promise<Member> => {
    const clock = time.process({
      rate: 1 + (chance.below(201) - 100) / 10_000,
      lateMs: () => (chance.happens(0.02) ? chance.below(2_000) : 0),
    });
    const keeper = await createLanekeeper({ clock, leases, logger: silent, turn: () => undefined });
    return { keeper, clock, steppedAt: 0 };
  };
  const members = await Promise.all(Array.from({ length: 4 }, join));

  /** Everything a member does, it does only while its process runs. */
  const later = (member: Member, ms: number, act: () => void): void =>
    void member.clock.setTimeout(() => {
      if (!isOver && members.includes(member)) act();
    }, ms);

  const work = (member: Member): void => {
    const name = chance.pick(names);
    const ttlMs = chance.pick([minute, 10 * minute, 10 * minute, hour, hour, hour, hour]);
    const options = { ttlMs, waitMs: chance.below(2 * minute) };
    void member.keeper.locks.acquire(name, options).then(
      (lock) => hold(member, name, lock, ttlMs),
      () => {
        report.refused++;
        later(member, chance.below(hour), () => work(member));
      },
    );
  };
  const hold = (member: Member, name: string, lock: Lock, ttlMs: number): void => {
    report.acquired++;
    if (lock.fencingToken <= (tokens.get(name) ?? 0n)) report.violations.push(`${name}: a token went back`);
    tokens.set(name, lock.fencingToken);
    const owner = member.keeper.locks
      .holders()
      .find(({ fencingToken }) => fencingToken === lock.fencingToken && lock.name === name)?.owner;
    const mine: Held = { lock, member, owner, ttlMs, excusedUntil: 0, believed: true };
    held.get(name)!.add(mine);
    lock.signal.addEventListener("abort", () => report.lost++, { once: true });
    later(member, chance.below(3 * hour), () => {
      void lock.release().then(() => {
        held.get(name)!.delete(mine);
        later(member, chance.below(10 * minute), () => work(member));
      });
    });
  };

  const observe = (): void => {
    for (const [name, all] of held) {
      let believers = 0;
      let excused = 0;
      for (const mine of all) {
        if (!mine.member.clock.isAwake) continue;
        const believes = isBelieved(mine.lock);
        if (!believes && mine.believed) report.doubts++;
        mine.believed = believes;
        if (!believes) {
          if (mine.lock.state === "reclaimed" && mine.lock.signal.aborted) all.delete(mine);
        } else if (time.now < mine.excusedUntil) excused++;
        else believers++;
      }
      if (believers > 1) report.violations.push(`${name}: ${believers} believe at ${time.now}`);
      if (believers + excused > 1) report.excused++;
    }
  };

  const disturb = async (): Promise<void> => {
    const index = chance.below(members.length);
    const member = members[index]!;
    const { clock } = member;
    const kind = chance.below(10);
    if (kind === 9) stormUntil = time.now + chance.below(2 * hour);
    else if (kind <= 2) {
      // No process can see a step back that is made while it sleeps, or just before, when it had no time to look.
      if (!clock.isAwake) return;
      clock.step((kind === 0 ? 1 : -1) * chance.below(2 * hour));
      member.steppedAt = time.now;
    } else if (kind <= 4) {
      if (time.now - member.steppedAt < lookMs) return;
      clock.sleep(chance.below(chance.happens(0.5) ? 2 * hour : 5 * minute));
      report.sleeps++;
    } else if (kind <= 6) clock.stop(chance.below(chance.happens(0.5) ? 2 * hour : 5 * minute));
    else if (kind === 7 && chance.happens(0.3)) {
      clock.end();
      report.deaths++;
      for (const all of held.values()) for (const mine of all) if (mine.member === member) all.delete(mine);
      members[index] = await join();
      work(members[index]);
    } else if (kind === 8 && chance.happens(0.1)) {
      const name = chance.pick(names);
      const owner = leases.ownerOf(name);
      for (const mine of held.get(name)!) {
        if (mine.owner !== owner) continue;
        // Until its next renewal says so; where that is lost too, until belief would have ended anyway.
        mine.excusedUntil = time.now + mine.ttlMs;
        await leases.forget(name);
      }
    }
  };

  for (const member of members) work(member);
  for (let passed = 0; passed < hours * hour && report.violations.length === 0;) {
    const ms = Math.min(1 + chance.below(30 * minute), hours * hour - passed);
    await time.advance(ms, observe);
    passed += ms;
    await disturb();
  }
  isOver = true;
  const closing = Promise.all(members.map(({ keeper }) => keeper.close()));
  await time.advance(24 * hour);
  await closing;
  return report;
}

function isBelieved(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}

/** Most commands are slow by a little; some go wrong in every way, and most do in a storm. */
function fateFor(chance: Chance, { type }: LeaseCommand, isStormy: boolean): Fate {
  const slow = { arrivesAfterMs: chance.below(20), answersAfterMs: chance.below(20) };
  if (chance.happens(isStormy ? 0.2 : 0.9)) return slow;
  const kind = chance.below(isStormy ? 12 : 8);
  if (kind === 0) return { ...slow, fault: "never-arrives" };
  if (kind === 1) return { ...slow, fault: "answer-lost" };
  if (kind === 2) return { ...slow, fault: "fails" };
  if (kind === 3) return { ...slow, fault: "fails-afterwards" };
  if (kind === 4 && type !== "acquire") return { ...slow, fault: "disowns" };
  if (kind === 5) return { arrivesAfterMs: chance.below(2 * minute) };
  if (kind === 6) return { answersAfterMs: chance.below(2 * minute) };
  if (kind >= 8) return { answersAfterMs: chance.below(hour) };
  return { arrivesAfterMs: chance.below(2 * hour), answersAfterMs: chance.below(2 * hour) };
}

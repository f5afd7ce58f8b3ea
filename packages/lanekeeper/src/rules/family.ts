import { expect, onTestFinished } from "vitest";
import type { LanekeeperOptions } from "../keeper/options.ts";
import type { Turn } from "../turns/turn.ts";
import { createFixture, deferred, type Fixture, type HeldTurn } from "./fixture.ts";

/** What the turns of each session do; those of sessions that are not named are held until the test ends them. */
export type Scripts = Readonly<Record<string, (turn: Turn) => unknown>>;

/** A keeper whose sessions await each other. The test fails if any event finds more slots in use than there are. */
export interface Family extends Fixture {
  /** The held turn of a session that started last. */
  held(sessionKey: string): HeldTurn;
  /** The sessions whose turns run now, in the order of their start. */
  running(): readonly string[];
  /** Ends the held turn of each session, one after the other. */
  end(...sessionKeys: readonly string[]): Promise<void>;
}

/** Starts a keeper with one slot, whose failed turns are not tried again. Options given here win. */
export async function createFamily(
  scripts: Scripts,
  options: Partial<Omit<LanekeeperOptions, "clock" | "processes">> = {},
): Promise<Family> {
  const turns: HeldTurn[] = [];
  const fixture: Fixture = await createFixture({
    capacity: { turns: 1 },
    lane: {
      stallAfterMs: 1_000,
      reclaimAfterMs: 5_000,
      turnTimeoutMs: 60_000,
      abortGraceMs: 2_000,
      retry: { attempts: 1 },
    },
    ...options,
    turn: (turn) => {
      const script = scripts[turn.sessionKey];
      if (script !== undefined) return script(turn);
      turns.push({ turn, ...deferred() });
      return turns.at(-1)!.promise;
    },
  });
  const { keeper, clock, of } = fixture;
  const overruns: string[] = [];
  keeper.events$.subscribe(({ type }) => {
    const { running, capacity } = keeper.stats();
    if (running > capacity) overruns.push(`${running} of ${capacity} slots are in use at ${type}`);
  });
  onTestFinished(() => expect(overruns).toEqual([]));
  const held = (sessionKey: string): HeldTurn =>
    turns.findLast(({ turn }) => turn.sessionKey === sessionKey)!;
  return {
    ...fixture,
    held,
    running() {
      const ended = [
        ...of("turn.completed"),
        ...of("turn.failed"),
        ...of("turn.cancelled"),
        ...of("lane.reclaimed"),
      ].map(({ turnId }) => turnId);
      return of("turn.started")
        .filter(({ turnId }) => !ended.includes(turnId))
        .map(({ sessionKey }) => sessionKey);
    },
    async end(...sessionKeys) {
      for (const sessionKey of sessionKeys) {
        held(sessionKey).resolve(sessionKey);
        await clock.settle();
      }
    },
  };
}

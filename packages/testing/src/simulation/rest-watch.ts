/**
 * Looks whether a simulated system comes to rest between what happens to it. One that asks for a timer, or for another turn of
 * the event loop, again and again would never end, or end this process by the memory it takes.
 */
export interface RestWatch {
  /** Something happened at this instant (true milliseconds). Throws `Restless` where it was too much. */
  step(now: number, isAtRest: boolean): void;
  /** A turn is called at this instant. Answers whether it may run: where it may not, the next step throws. */
  mayRun(now: number): boolean;
}

/** A simulated system that does not come to rest. */
export class Restless extends Error {}

const spanMs = 60_000;
/** Steps of one session in that span: fifty times what healthy systems take, and enough for turns with a timer every 10 ms. */
const stepsOfSession = 3_000;

/** Turns of one session at one instant. */
const turnsOfSession = 100;

/** Watches a system of so many sessions. */
export function createRestWatch(sessions: number): RestWatch {
  const most = (sessions + 10) * stepsOfSession;
  const mostTurns = (sessions + 10) * turnsOfSession;
  let since = 0;
  let steps = 0;
  let turnsAt = 0;
  let turns = 0;
  return {
    mayRun(now) {
      if (now > turnsAt) turns = 0;
      turnsAt = now;
      return ++turns <= mostTurns;
    },
    step(now, isAtRest) {
      if (now >= since + spanMs) {
        since = now;
        steps = 0;
      }
      steps++;
      if (turns > mostTurns) fail(now, `more than ${mostTurns} turns were called at one instant`);
      if (!isAtRest) fail(now, "a thousand turns of the event loop at one instant were not enough");
      if (steps > most)
        fail(now, `more than ${most} timers fired within ${Math.ceil(now - since)} ms of virtual time`);
    },
  };
}

function fail(now: number, what: string): never {
  throw new Restless(
    `At ${Math.floor(now)} ms nothing comes to rest: ${what}. A keeper or a turn's code asks for another again and again; the end of the recordings says which.`,
  );
}

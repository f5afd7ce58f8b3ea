import { type Lanekeeper, LanekeeperError, PermanentError, type Turn } from "lanekeeper";
import type { SimulatedClock } from "lanekeeper/simulated-clock";
import type { Chance } from "@lanekeeper/testing";

/**
 * A turn handler that does everything that goes wrong: hangs, throws, ignores its abort, runs commands, takes its time,
 * takes its steering or not, waits for others, also in circles.
 */
export function createRandomAgent(
  clock: SimulatedClock,
  chance: Chance,
  fault: (what: string) => void,
  keeper: () => Lanekeeper<string, string>,
  sessions: readonly string[],
): (turn: Turn<string>) => Promise<string> {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms));
  const aborted = ({ signal }: Turn<string>): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve());
    });
  const runCommand = async (turn: Turn<string>): Promise<void> => {
    try {
      const execution = await turn.exec("command", [], { foreground: chance.next() < 0.5, timeoutMs: 1_000 });
      if (chance.next() < 0.5) await execution.done;
    } catch (error) {
      if (!(error instanceof LanekeeperError && ["TURN_FENCED", "CLOSED"].includes(error.code)))
        fault(`exec: ${String(error)}`);
    }
  };
  const ask = async (turn: Turn<string>): Promise<void> => {
    try {
      const receipt = await keeper().send(chance.pick(sessions), "asked", {
        mode: chance.pick(["followup", "collect"]),
      });
      await receipt.reply();
    } catch (error) {
      // Whatever the other session did with it; a turn that was told to stop goes on stopping.
      if (turn.signal.aborted) throw error;
    }
  };
  const act = async (turn: Turn<string>): Promise<string> => {
    const kind = chance.next();
    if (kind < 0.08) return new Promise(() => {});
    if (kind < 0.13) {
      await aborted(turn);
      if (chance.next() < 0.5) throw turn.signal.reason;
      return "after the abort";
    }
    if (kind < 0.3) {
      for (let steps = chance.below(5); steps > 0; steps--) {
        await sleep(chance.below(900));
        if (chance.next() < 0.5) turn.progress();
        else turn.takeSteering();
      }
    } else if (kind < 0.6) {
      await sleep(chance.below(4_000));
    }
    if (kind > 0.8) await runCommand(turn);
    if (kind > 0.6 && kind < 0.68) await ask(turn);
    if (kind > 0.68 && kind < 0.72) {
      await turn.waiting("a human", clock.now() + chance.below(6_000), sleep(chance.below(6_000)));
    }
    turn.takeSteering();
    if (chance.next() < 0.05) throw new PermanentError("for good");
    if (chance.next() < 0.15) throw new Error("this time");
    return "done";
  };
  return act;
}

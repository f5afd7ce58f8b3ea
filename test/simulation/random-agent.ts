import { LanekeeperError, PermanentError, type Turn } from "lanekeeper";
import type { SimulatedClock } from "lanekeeper/simulated-clock";
import type { Chance } from "./chance.ts";
import type { Witness } from "./witness.ts";

/** A turn handler that does everything that goes wrong: hangs, throws, ignores its abort, runs commands, takes its time. */
export function createRandomAgent(
  clock: SimulatedClock,
  chance: Chance,
  witness: Witness,
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
      if (!(error instanceof LanekeeperError && error.code === "TURN_FENCED"))
        witness.fault(`exec: ${String(error)}`);
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
        turn.progress();
      }
    } else if (kind < 0.6) {
      await sleep(chance.below(4_000));
    }
    if (kind > 0.8) await runCommand(turn);
    if (chance.next() < 0.05) throw new PermanentError("for good");
    if (chance.next() < 0.15) throw new Error("this time");
    return "done";
  };
  return async (turn) => {
    const ended = witness.started(turn);
    try {
      return await act(turn);
    } finally {
      ended();
    }
  };
}

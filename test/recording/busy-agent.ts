import { PermanentError, type Lanekeeper, type Turn } from "lanekeeper";
import type { Surroundings } from "./random-host.ts";

/** What an agent knows. */
interface AgentHost extends Pick<Surroundings, "chance" | "after" | "unitMs"> {
  keeper(): Lanekeeper;
  readonly sessions: readonly string[];
  /** Makes a call of which nothing is expected. */
  attempt(call: () => unknown): void;
}

/** An agent whose turns do everything that a turn can, and end in every way. */
export function createBusyAgent({
  chance,
  after,
  unitMs,
  keeper,
  sessions,
  attempt,
}: AgentHost): (turn: Turn) => unknown {
  const some = (units: number): number => chance.below(units * unitMs);
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));

  const act = async (turn: Turn): Promise<void> => {
    const all: readonly (() => unknown)[] = [
      () => turn.progress("secretly on"),
      () => turn.emit({ token: "secret", big: 2n }),
      () => turn.assertCurrent(),
      () => turn.takeSteering(),
      () => turn.exec("work", ["secret"], { foreground: chance.happens(0.5) }),
      () => turn.exec("missing"),
      () => turn.expectExec(`x${chance.below(9)}`),
      () => turn.waiting("a human", Date.now() + 1e12, sleep(some(12))),
      () => turn.waiting("a limit", 0, Promise.reject(new TypeError("secret"))),
      () =>
        turn.locks.using("file", async (lock) => {
          await sleep(some(4));
          attempt(() => lock.assertHeld());
          turn.progress();
          return lock.state;
        }),
      () => turn.locks.acquire("index", { waitMs: some(9) }),
      () => turn.locks.holders(),
      () => keeper().session(turn.sessionKey),
      () => keeper().wake(chance.pick(sessions)),
      async () => {
        const receipt = await keeper().send(chance.pick(sessions), "for you");
        await Promise.race([receipt.reply(), sleep(some(20))]);
      },
    ];
    attempt(chance.pick(all));
    if (chance.happens(0.7)) await sleep(some(6));
    if (chance.happens(0.2)) await Promise.resolve(chance.pick(all)()).catch(() => {});
  };
  const live = async (turn: Turn): Promise<unknown> => {
    for (let count = chance.below(4); count > 0; count--) await act(turn);
    const end = chance.next();
    if (end < 0.06) return new Promise(() => {});
    if (end < 0.1) throw new Error("a secret failed");
    if (end < 0.13) throw new PermanentError("for good");
    if (end < 0.15) throw { no: "error" };
    if (end < 0.18) await sleep(40 * unitMs);
    return { replied: "a secret" };
  };
  return (turn) => {
    if (chance.happens(0.05)) throw new Error("at once");
    if (chance.happens(0.1)) turn.emit("secret");
    if (chance.happens(0.3)) {
      turn.signal.addEventListener("abort", () => {
        attempt(() => keeper().explain(turn.sessionKey));
        attempt(() => turn.assertCurrent());
      });
    }
    return live(turn);
  };
}

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const script = fileURLToPath(new URL("holder-script.ts", import.meta.url));
const ttlMs = 2_500;

/** A process that takes a lock and does what it is told. */
interface Holder {
  /** Tells it to do something. */
  order(text: string): void;
  /** The next line that it says. */
  said(): Promise<string>;
  stop(): void;
  continue(): void;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

function startHolder(place: string): Holder {
  const child = spawn(process.execPath, [script, place, String(ttlMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    order: (text) => void child.stdin.write(`${text}\n`),
    said: async () => {
      const line = await lines.next();
      return line.done === true ? "nothing more" : line.value;
    },
    stop: () => void child.kill("SIGSTOP"),
    continue: () => void child.kill("SIGCONT"),
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
}

/** The token in what a holder said. */
function tokenOf(line: string): bigint {
  expect(line).toMatch(/^(held|wrote) \d+$/);
  return BigInt(line.split(" ")[1]!);
}

/**
 * What leases that several processes share promise of a holder that could not run for longer than its TTL: another has the
 * lock by then, with a larger token, and the first writes nothing more once it runs again, not even before its timers have.
 * The test reads what both have written, and knows nothing of the leases.
 */
export function describeStoppedHolders(name: string, createPlace: () => string): void {
  describe(`B49 B51 a holder that cannot run past its TTL, on ${name}`, () => {
    it("has lost its lock when it runs again after SIGSTOP and SIGCONT, and another has written", async () => {
      const place = createPlace();
      const first = startHolder(place);
      const token = tokenOf(await first.said());
      first.order("write");
      expect(tokenOf(await first.said())).toBe(token);
      first.stop();
      const second = startHolder(place);
      const later = tokenOf(await second.said());
      expect(later).toBeGreaterThan(token);
      second.order("write");
      expect(tokenOf(await second.said())).toBe(later);
      // It is there to be read as soon as the process runs again.
      first.order("write");
      first.continue();
      await expectLost(first);
      second.order("write");
      expect(tokenOf(await second.said())).toBe(later);
      await end(first, second);
    });

    it("has lost its lock when its event loop was blocked, and another has written", async () => {
      const place = createPlace();
      const first = startHolder(place);
      const token = tokenOf(await first.said());
      const second = startHolder(place);
      first.order(`block ${2 * ttlMs}`);
      const later = tokenOf(await second.said());
      expect(later).toBeGreaterThan(token);
      second.order("write");
      expect(tokenOf(await second.said())).toBe(later);
      await expectLost(first);
      await end(first, second);
    });

    it("still has its lock when it could not run for less than that", async () => {
      const place = createPlace();
      const first = startHolder(place);
      const token = tokenOf(await first.said());
      first.order(`block ${ttlMs / 3}`);
      expect(tokenOf(await first.said())).toBe(token);
      first.order(`block ${ttlMs / 3}`);
      expect(tokenOf(await first.said())).toBe(token);
      await end(first);
    });
  });
}

/** It says that it has lost its lock, to whoever asks and by the signal, in whichever order; and nothing else. */
async function expectLost(holder: Holder): Promise<void> {
  expect(new Set([await holder.said(), await holder.said()])).toEqual(new Set(["lost", "aborted"]));
}

async function end(...holders: readonly Holder[]): Promise<void> {
  for (const holder of holders) holder.order("end");
  expect(await Promise.all(holders.map(({ ended }) => ended))).toEqual(holders.map(() => 0));
}

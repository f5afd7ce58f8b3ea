import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRunQueue, type RunQueue } from "./run-queue.ts";

function createQueue() {
  const done: unknown[] = [];
  const errors: unknown[] = [];
  let steps = 0;
  const queue = createRunQueue({
    afterStep: () => void steps++,
    onError: (error) => void errors.push(error),
  });
  const note = (what: unknown) => void done.push(what);
  return { queue, done, errors, note, steps: () => steps };
}

/** Microtasks, also those of microtasks, run before it resolves. */
const immediate = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe("a run queue", () => {
  it("runs no step in the call that posts it", async () => {
    const { queue, done, note } = createQueue();
    queue.post(note, "a");
    expect(done).toEqual([]);
    await Promise.resolve();
    expect(done).toEqual(["a"]);
  });

  it("gives a step the arguments it was posted with", async () => {
    const { queue, done } = createQueue();
    queue.post(() => done.push("none"));
    queue.post((a) => done.push(a), 1);
    queue.post((a, b) => done.push([a, b]), 2, 3);
    await immediate();
    expect(done).toEqual(["none", 1, [2, 3]]);
  });

  it("runs what a step asks for after it, and after those before it (I1, I2)", async () => {
    const { queue, done, note } = createQueue();
    queue.post(() => {
      queue.post(note, "asked for");
      done.push("first");
    });
    queue.post(note, "second");
    await immediate();
    expect(done).toEqual(["first", "second", "asked for"]);
  });

  it("reports a step that throws and runs the others (I4)", async () => {
    const { queue, done, errors, note, steps } = createQueue();
    const broken = new Error("broken");
    queue.post(() => {
      throw broken;
    });
    queue.post(note, "next");
    await immediate();
    queue.post(note, "later");
    await immediate();
    expect([done, errors, steps()]).toEqual([["next", "later"], [broken], 3]);
  });

  it("tells the end of each step before the next begins", async () => {
    const log: string[] = [];
    const queue = createRunQueue({ afterStep: () => log.push("end"), onError: () => {} });
    for (const name of ["a", "b"]) queue.post((what) => log.push(what), name);
    await immediate();
    expect(log).toEqual(["a", "end", "b", "end"]);
  });

  it("gives the event loop its turn, however much its steps ask for (I3)", async () => {
    const { queue } = createQueue();
    let steps = 0;
    let isOver = false;
    const again = () => {
      steps++;
      if (!isOver) queue.post(again);
    };
    queue.post(again);
    for (let turns = 1; turns <= 3; turns++) {
      await immediate();
      expect(steps).toBeLessThanOrEqual((turns + 1) * 2_048);
    }
    isOver = true;
    await immediate();
    expect(steps).toBeGreaterThan(2_048);
  });

  it("runs as many as are posted at once, in order (I2)", async () => {
    const { queue, note, done } = createQueue();
    for (let index = 0; index < 10_000; index++) queue.post(note, index);
    await immediate();
    await immediate();
    expect(done).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
  });
});

describe("steps", () => {
  /** A step by what it asks for. */
  interface Tree {
    readonly throws: boolean;
    readonly children: readonly Tree[];
  }
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.record({
      throws: fc.boolean(),
      children: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie("tree"), { maxLength: 3 })),
    }),
  }));

  it("run one after the other, each once, in the order they were asked for (I1, I2, I4)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { maxLength: 5 }), async (trees) => {
        const asked: number[] = [];
        const began: number[] = [];
        let isRunning = false;
        const queue = createRunQueue({
          afterStep: () => {
            isRunning = false;
          },
          onError: () => {},
        });
        const ask = (target: RunQueue, { throws, children }: Tree): void => {
          const id = asked.push(asked.length);
          target.post((own) => {
            expect(isRunning).toBe(false);
            isRunning = true;
            began.push(own);
            for (const child of children) ask(target, child);
            if (throws) throw new Error("broken");
          }, id);
        };
        for (const one of trees) ask(queue, one);
        await immediate();
        expect(began).toEqual(asked.map((index) => index + 1));
      }),
    );
  });
});

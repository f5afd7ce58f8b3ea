import { LanekeeperError } from "lanekeeper";
import { describe, expect, it } from "vitest";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";

/** A commit that writes down what it is asked, and fails when it is told to. */
function createScene(): { readonly group: GroupCommit; readonly log: string[]; failing: boolean } {
  const scene = { log: [] as string[], failing: false };
  const group = createGroupCommit({
    commit() {
      scene.log.push("commit");
      if (scene.failing) throw new Error("disk full");
    },
    undo: () => void scene.log.push("undo"),
    ended: () => {},
    toError: (error) => new LanekeeperError("STORE_UNAVAILABLE", String(error)),
  });
  return Object.assign(scene, { group });
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("steps of one turn of the event loop", () => {
  it("B55 share one commit, and none is answered before it", async () => {
    const { group, log } = createScene();
    const answers: number[] = [];
    for (const value of [1, 2, 3]) void group.answer(value).then((answer) => answers.push(answer));
    await Promise.resolve();
    expect([log, answers, group.isOpen]).toEqual([[], [], true]);
    await turnOfTheLoop();
    expect([log, answers, group.isOpen]).toEqual([["commit"], [1, 2, 3], false]);
  });

  it("B55 are at most a thousand a commit", async () => {
    const { group, log } = createScene();
    await Promise.all(Array.from({ length: 2_500 }, async (_, index) => group.answer(index)));
    expect(log).toEqual(["commit", "commit", "commit"]);
  });

  it("B55 leave the event loop its turns, however many there are", async () => {
    const { group } = createScene();
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    for (let round = 0; round < 5; round++)
      await Promise.all(Array.from({ length: 2_000 }, async (_, index) => group.answer(index)));
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it("B55 are answered in their order, those that look included", async () => {
    const { group } = createScene();
    const answers: number[] = [];
    const all = Array.from({ length: 1_002 }, async (_, index) =>
      group.answer(index).then((answer) => answers.push(answer)),
    );
    expect(group.isOpen).toBe(true);
    await Promise.all(all);
    expect(answers).toEqual(all.map((_, index) => index));
    expect(group.isOpen).toBe(false);
  });

  it("B57 are all refused and undone where their commit fails; the next have one each, and go on", async () => {
    const scene = createScene();
    const { group, log } = scene;
    scene.failing = true;
    const refused = await Promise.allSettled([group.answer(1), group.answer(2)]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(log).toEqual(["commit", "undo"]);
    scene.failing = false;
    await Promise.all([group.answer(3), group.answer(4)]);
    expect(log).toEqual(["commit", "undo", "commit", "commit"]);
    for (let step = 0; step < 98; step++) await group.answer(step);
    log.length = 0;
    await Promise.all([group.answer(5), group.answer(6)]);
    expect(log).toEqual(["commit"]);
  });

  it("wait for as long as commits are held", async () => {
    const { group, log } = createScene();
    group.hold();
    const answered = group.answer(1);
    await turnOfTheLoop();
    expect(log).toEqual([]);
    group.release();
    expect(await answered).toBe(1);
  });
});

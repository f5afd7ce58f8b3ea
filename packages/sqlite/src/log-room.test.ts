import { describe, expect, it } from "vitest";
import { createLogRoom, type LogRoom } from "./log-room.ts";

const mebibyte = 1_048_576;
const quota = { errcode: 778 };
const full = { errcode: 13 };

/** A disk of so many bytes that has a log, and what was done about that. */
function createScene(bytes: number) {
  const scene = {
    disk: bytes,
    file: 0,
    owed: 0,
    log: 0,
    looks: 0,
    tries: 0,
    isStuck: false,
    below: 1_024 * mebibyte,
  };
  const room = createLogRoom({
    measure() {
      scene.looks++;
      const { disk, file, owed, log, below } = scene;
      return { free: disk - file - log, owed, log, below };
    },
    empty() {
      scene.tries++;
      if (scene.isStuck) return false;
      scene.file += scene.owed;
      scene.owed = 0;
      scene.log = 0;
      return true;
    },
  });
  return { scene, room };
}

function keep(room: LogRoom, step: () => void): void {
  room.beforeTransaction();
  step();
  room.committed();
}

function refuse(room: LogRoom, error: unknown): void {
  room.beforeTransaction();
  room.refused(error);
}

describe("B57 the room of a log", () => {
  it("I1 is half of what is left, so that what it holds has room in the file to the last", () => {
    const { scene, room } = createScene(mebibyte);
    const left = (): number => scene.disk - scene.file - scene.log - scene.owed;
    let kept = 0;
    while (left() >= 8_192) {
      keep(room, () => {
        scene.log += 4_096;
        scene.owed += 4_096;
      });
      kept++;
      expect(left()).toBeGreaterThanOrEqual(0);
    }
    expect(kept).toBeGreaterThan(200);
  });

  it("I2 is made before the next transaction, as soon as what the log holds has room in the file", () => {
    const { scene, room } = createScene(4 * mebibyte);
    Object.assign(scene, { log: 4 * mebibyte, owed: mebibyte });
    refuse(room, full);
    refuse(room, full);
    expect(scene).toMatchObject({ tries: 0, log: 4 * mebibyte });
    scene.disk += mebibyte;
    room.beforeTransaction();
    expect(scene).toMatchObject({ tries: 1, log: 0 });
  });

  it("I3 is looked at once in many transactions where there is plenty", () => {
    const { scene, room } = createScene(1_024 * mebibyte);
    for (let index = 0; index < 1_000; index++) keep(room, () => (scene.log = 16 * mebibyte));
    expect(scene).toMatchObject({ looks: 4, tries: 0 });
  });

  it("is asked for ever less often while nothing can be kept, and at once when something could", () => {
    const { scene, room } = createScene(1_024 * mebibyte);
    Object.assign(scene, { log: mebibyte, isStuck: true });
    for (let index = 0; index < 1_000; index++) refuse(room, full);
    expect(scene.tries).toBeGreaterThan(20);
    expect(scene.tries).toBeLessThan(50);
    scene.isStuck = false;
    keep(room, () => {});
    room.beforeTransaction();
    expect(scene.log).toBe(0);
  });

  it("is half of what a quota allowed that no look at the disk shows", () => {
    const { scene, room } = createScene(1_024 * mebibyte);
    scene.log = mebibyte;
    refuse(room, quota);
    let largest = 0;
    for (let index = 0; index < 1_000; index++) {
      keep(room, () => (scene.log += 4_096));
      if (index > 0) largest = Math.max(largest, scene.log);
    }
    expect(largest).toBeLessThanOrEqual(mebibyte / 2 + 4_096);
  });
});

import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { LanekeeperError } from "lanekeeper";
import { checkPath } from "./file-path.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Pages that are copied at once: commits wait that long. */
const pagesAtOnce = 256;
/** Where copies are being made. */
const underWay = new Set<string>();

/**
 * Copies an open store to a new file, while it goes on. The copy is whole: as the store was between two commits.
 *
 * I1. Pages are copied between commits, never in the middle of one.
 * I2. The file has its name only once all of it is on disk; where that fails, nothing is left of it.
 * I3. This process makes one copy at a time to a path.
 */
export async function backUp({ database }: Connection, group: GroupCommit, target: string): Promise<void> {
  const path = resolve(checkPath("backup", target, "a backup is to last"));
  if (underWay.has(path)) {
    throw new LanekeeperError(
      "INVALID_OPTION",
      `A backup to ${path} is being made already. Wait for it, or give this one a path of its own.`,
      { option: "path" },
    );
  }
  if (statSync(target, { throwIfNoEntry: false }) !== undefined) {
    throw new LanekeeperError(
      "INVALID_OPTION",
      `There is a file ${target} already. Give the backup a name of its own; nothing is overwritten.`,
      { option: "path" },
    );
  }
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  underWay.add(path);
  try {
    await copyTo(partial, database, group);
    sync(partial);
    renameSync(partial, target);
    sync(dirname(target));
  } catch (error) {
    for (const end of ["", "-journal"]) rmSync(`${partial}${end}`, { force: true });
    throw error;
  } finally {
    underWay.delete(path);
  }
}

async function copyTo(partial: string, database: DatabaseSync, group: GroupCommit): Promise<void> {
  group.commit();
  group.hold();
  try {
    await backup(database, partial, {
      rate: pagesAtOnce,
      // No page is being copied in here.
      progress() {
        group.commit();
      },
    });
  } finally {
    group.release();
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

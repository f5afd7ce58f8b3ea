import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { backup } from "node:sqlite";
import { LanekeeperError } from "lanekeeper";
import { checkPath } from "./file-path.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Pages that are copied at once: commits wait that long. */
const pagesAtOnce = 256;

/**
 * Copies an open store to a new file, while it goes on. The copy is whole: as the store was between two commits.
 *
 * I1. Pages are copied between commits, never in the middle of one.
 * I2. The file has its name only once all of it is on disk.
 */
export async function backUp({ database }: Connection, group: GroupCommit, target: string): Promise<void> {
  checkPath("backup", target, "a backup is to last");
  if (statSync(target, { throwIfNoEntry: false }) !== undefined) {
    throw new LanekeeperError(
      "INVALID_OPTION",
      `There is a file ${target} already. Give the backup a name of its own; nothing is overwritten.`,
      { option: "path" },
    );
  }
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
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
  sync(partial);
  renameSync(partial, target);
  sync(dirname(target));
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

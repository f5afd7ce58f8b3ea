import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { LanekeeperError } from "lanekeeper";
import { checkPath } from "./file-path.ts";
import type { Connection } from "./connection.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Pages that are copied at once: commits wait that long. */
const pagesAtOnce = 256;
/** How often a copy is begun, where each time a change is under way when the first pages are to be copied. */
const mostTries = 100;
/** What the name of a copy ends in that is not whole. */
const partialEnd = ".partial";
/** Where this process makes copies. */
const underWay = new Set<string>();

/**
 * Copies an open store to a new file, while it goes on. The copy is whole: as the store was between two commits.
 *
 * I1. Pages are copied between commits, never in the middle of one.
 * I2. The file has its name only once all of it is on disk; where that fails, nothing is left of it.
 * I3. This process makes one copy at a time to a path. Of two processes that make one, the first to end has the path, and the
 *     other is refused: nothing is overwritten.
 * I4. What a killed process has left is removed by the next copy to that path.
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
  if (exists(path)) throw taken(target);
  removeLeftovers(path);
  const partial = `${path}.${process.pid}-${randomUUID()}${partialEnd}`;
  underWay.add(path);
  try {
    await copyTo(partial, database, group);
    sync(partial);
    giveName(partial, path, target);
    sync(dirname(path));
  } catch (error) {
    removePartial(partial);
    throw error;
  } finally {
    underWay.delete(path);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function taken(target: string, cause?: unknown): LanekeeperError {
  return new LanekeeperError(
    "INVALID_OPTION",
    `There is a file ${target} already. Give the backup a name of its own; nothing is overwritten.`,
    { option: "path" },
    { cause },
  );
}

/** Gives a whole copy its name, unless something has that by now. */
function giveName(partial: string, path: string, target: string): void {
  try {
    // Unlike a new name, a second one never takes the place of a file.
    linkSync(partial, path);
  } catch (error) {
    if (exists(path) || (error as NodeJS.ErrnoException).code === "EEXIST") throw taken(target, error);
    // A file system on which a file has one name only.
    renameSync(partial, path);
    return;
  }
  rmSync(partial);
}

/** Removes what processes have left that were killed while they made a copy to this path. */
function removeLeftovers(path: string): void {
  const folder = dirname(path);
  const start = `${basename(path)}.`;
  for (const name of namesIn(folder)) {
    if (!name.startsWith(start) || !name.endsWith(partialEnd)) continue;
    const pid = Number.parseInt(name.slice(start.length), 10);
    if (pid > 0 && !isRunning(pid)) removePartial(join(folder, name));
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not there, or not to be listed: what is in the way of a copy, making it tells.
    return [];
  }
}

function removePartial(partial: string): void {
  for (const end of ["", "-journal"]) rmSync(`${partial}${end}`, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function copyTo(partial: string, database: DatabaseSync, group: GroupCommit): Promise<void> {
  group.hold();
  try {
    for (let tries = 1; ; tries++) {
      group.commit();
      try {
        await backup(database, partial, {
          rate: pagesAtOnce,
          // No page is being copied in here.
          progress() {
            group.commit();
          },
        });
        return;
      } catch (error) {
        if (!hasMetChange(error) || tries === mostTries) throw error;
      }
    }
  } finally {
    group.release();
  }
}

/** Whether the first pages could not be copied because of a change under way: Node takes that for an error, SQLite does not. */
function hasMetChange(error: unknown): boolean {
  return (error as { readonly errcode?: unknown } | undefined)?.errcode === 0;
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteLeases, type SqliteLeasesOptions } from "@lanekeeper/sqlite";
import type { LeaseStore } from "lanekeeper/ports";
import { expect, onTestFinished } from "vitest";

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-leases-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Leases that are closed with the test. */
export function openLeases(path: string, options?: SqliteLeasesOptions): LeaseStore {
  const leases = sqliteLeases(path, options);
  onTestFinished(() => leases.close());
  return leases;
}

/** Takes a lease that must be free, and gives its token. */
export async function take(leases: LeaseStore, name: string, owner: string, ttlMs = 60_000): Promise<bigint> {
  const answer = await leases.acquire(name, owner, ttlMs);
  expect(answer).toMatchObject({ acquired: true });
  return (answer as { token: bigint }).token;
}

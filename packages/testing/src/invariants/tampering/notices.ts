import { expect, test } from "vitest";
import type { Invariant } from "../invariant.ts";
import { RecordingView } from "../recording-view.ts";
import { type Claim, testClaim } from "../stories/claims.ts";
import type { Tampering } from "./tampering.ts";
import { type Lives, trueRecordings } from "./true-recordings.ts";

/** How many places of one recording are tried. */
const mostPlaces = 60;
const tolerance = { latenessMs: 1_000, earlyMs: 0 };

/**
 * Tests that each claim is seen to be broken where a true recording was tampered with, or by stories where that is easier.
 * Every claim has ways, or stories.
 */
export function testNotices(
  invariants: readonly Invariant[],
  ways: Readonly<Record<string, readonly Tampering[]>>,
  stories: Readonly<Record<string, Claim>> = {},
): void {
  for (const invariant of invariants) {
    const { rule, claim } = invariant;
    test.each((ways[claim] ?? []).map((way, index) => [index + 1, way] as const))(
      `${rule} ${claim} Notices that it is broken, %i`,
      async (_, way) => {
        expect(await isNoticed(invariant, way)).toBe(true);
      },
    );
    if (stories[claim] !== undefined) testClaim(invariant, stories[claim]);
  }
  test("each claim has ways to break it", () => {
    const claims = new Set([...Object.keys(ways), ...Object.keys(stories)]);
    expect([...claims].toSorted()).toEqual(invariants.map(({ claim }) => claim).toSorted());
  });
}

async function isNoticed(invariant: Invariant, way: Tampering): Promise<boolean> {
  for await (const lives of trueRecordings()) {
    for (const [index, recording] of lives.entries()) {
      let places = 0;
      for (const wrong of way(recording)) {
        if (isBroken(invariant, lives.with(index, wrong))) return !isBroken(invariant, lives);
        if (++places === mostPlaces) break;
      }
    }
  }
  return false;
}

function isBroken(invariant: Invariant, lives: Lives): boolean {
  for (const _ of invariant.check(new RecordingView(lives, tolerance))) return true;
  return false;
}

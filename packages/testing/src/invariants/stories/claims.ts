import { describe, expect, test } from "vitest";
import { checkInvariants } from "../check-invariants.ts";
import type { Invariant } from "../invariant.ts";
import { RecordingView } from "../recording-view.ts";
import type { Story } from "./story.ts";

/** Stories that break a claim, and the nearest ones that do not. */
export interface Claim {
  readonly finds: readonly Story[];
  readonly allows: readonly Story[];
}

/** Tests each claim by stories that break it and stories that do not. Every claim has some. */
export function testClaims(invariants: readonly Invariant[], claims: Readonly<Record<string, Claim>>): void {
  for (const invariant of invariants) testClaim(invariant, claims[invariant.claim]!);
  test("each claim has a story", () => {
    expect(Object.keys(claims).toSorted()).toEqual(invariants.map(({ claim }) => claim).toSorted());
  });
}

/** Tests one claim. */
export function testClaim(invariant: Invariant, { finds, allows }: Claim): void {
  describe(`${invariant.rule} ${invariant.claim}`, () => {
    test.each(finds.map((story, index) => [index + 1, story] as const))(
      "finds what breaks it, %i",
      (_, story) => {
        const view = new RecordingView(story.recordings, { latenessMs: 1_000, earlyMs: 250 });
        const found = [...invariant.check(view)].map(({ recording, index, sentence }) => ({
          recording,
          index,
          sentence,
        }));
        expect(found).toEqual(story.breaches);
        expect(found).not.toEqual([]);
      },
    );
    test.each(allows.map((story, index) => [index + 1, story] as const))(
      "allows what does not, %i",
      (_, story) => {
        expect(checkInvariants(story.recordings)).toEqual([]);
      },
    );
  });
}

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storedItem } from "../rules/stored-item.ts";
import type { StoredItem } from "../store/store.ts";
import { TurnSteering } from "./turn-steering.ts";

function steering(seq: number): StoredItem {
  return storedItem({ seq, mode: "steer", steers: 1 });
}
function steeredBy(...seqs: readonly number[]): TurnSteering {
  const turn = new TurnSteering();
  for (const seq of seqs) turn.add(steering(seq));
  return turn;
}
function take(turn: TurnSteering): readonly number[] {
  return seqsOf(turn.take());
}
function seqsOf(items: readonly StoredItem[]): readonly number[] {
  return items.map(({ seq }) => seq);
}

describe("what steers a turn (B19)", () => {
  it("is taken once, in the order of acceptance", () => {
    const turn = steeredBy(4, 2, 3);
    expect(take(turn)).toEqual([2, 3, 4]);
    expect(take(turn)).toEqual([]);
    turn.add(steering(6));
    turn.add(steering(5));
    expect(take(turn)).toEqual([5, 6]);
    expect(seqsOf(turn.taken)).toEqual([2, 3, 4, 5, 6]);
  });

  it("is nothing at first, and what is not taken is not the turn's", () => {
    const turn = new TurnSteering();
    expect([turn.take(), turn.taken]).toEqual([[], []]);
    turn.add(steering(2));
    expect(turn.taken).toEqual([]);
  });

  it("is known once, whether it waits or was taken", () => {
    const turn = steeredBy(2, 2);
    expect(take(turn)).toEqual([2]);
    turn.add(steering(2));
    expect(take(turn)).toEqual([]);
    expect(seqsOf(turn.taken)).toEqual([2]);
  });
});

describe("steering that is being withdrawn (I1)", () => {
  it("cannot be taken meanwhile, and is gone once it was", () => {
    const turn = steeredBy(2, 3);
    const putBack = turn.withhold([3]);
    expect(take(turn)).toEqual([2]);
    putBack([3]);
    expect(take(turn)).toEqual([]);
    expect(seqsOf(turn.taken)).toEqual([2]);
  });

  it("is put back in its place where it was not", () => {
    const turn = steeredBy(2, 3, 4);
    const putBack = turn.withhold([2, 4]);
    turn.add(steering(5));
    putBack([2]);
    expect(take(turn)).toEqual([3, 4, 5]);
  });

  it("is all of it where none is named", () => {
    const turn = steeredBy(2, 3);
    const putBack = turn.withhold(undefined);
    expect(take(turn)).toEqual([]);
    putBack([]);
    expect(take(turn)).toEqual([2, 3]);
  });

  it("is not what was taken before, nor what is not known", () => {
    const turn = steeredBy(2);
    turn.take();
    turn.withhold([2, 9])([]);
    turn.withhold(undefined)([]);
    expect(seqsOf(turn.taken)).toEqual([2]);
    expect(take(turn)).toEqual([]);
  });

  it("is not known anew while it is", () => {
    const turn = steeredBy(2);
    const putBack = turn.withhold([2]);
    turn.add(steering(2));
    expect(take(turn)).toEqual([]);
    putBack([2]);
    expect(take(turn)).toEqual([]);
  });

  it("is put back by none of two that withdraw it where the other did", () => {
    for (const first of [0, 1]) {
      const turn = steeredBy(2);
      const putBacks = [turn.withhold([2]), turn.withhold(undefined)];
      putBacks[1 - first]!([2]);
      putBacks[first]!([]);
      expect(take(turn)).toEqual([]);
    }
  });

  it("is taken once or withdrawn, never both and never lost", () => {
    const step = fc.record({
      kind: fc.constantFrom("add", "add", "take", "withhold", "put back"),
      seqs: fc.uniqueArray(fc.integer({ min: 2, max: 6 }), { minLength: 1, maxLength: 3 }),
      isAll: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const turn = new TurnSteering();
        const added = new Set<number>();
        const withdrawn = new Set<number>();
        const taken: number[] = [];
        let withholding: {
          readonly putBack: ReturnType<TurnSteering["withhold"]>;
          readonly of: Set<number>;
        }[] = [];
        const putBackAll = (seqs: readonly number[]): void => {
          for (const { putBack, of } of withholding) {
            for (const seq of seqs) if (of.has(seq)) withdrawn.add(seq);
            putBack([...of].filter((seq) => withdrawn.has(seq)));
          }
          withholding = [];
        };
        for (const { kind, seqs, isAll } of steps) {
          if (kind === "add") {
            turn.add(steering(seqs[0]!));
            added.add(seqs[0]!);
          } else if (kind === "take") taken.push(...take(turn));
          else if (kind === "withhold" && withholding.length === 0) {
            const of = new Set(
              [...added].filter((seq) => !taken.includes(seq) && (isAll || seqs.includes(seq))),
            );
            withholding.push({ putBack: turn.withhold(isAll ? undefined : seqs), of });
          } else if (kind === "put back") putBackAll(seqs);
        }
        putBackAll([]);
        taken.push(...take(turn));
        expect(new Set(taken).size).toBe(taken.length);
        expect(seqsOf(turn.taken)).toEqual(taken);
        for (const seq of added)
          expect([seq, taken.includes(seq) || withdrawn.has(seq)]).toEqual([seq, true]);
      }),
    );
  });
});

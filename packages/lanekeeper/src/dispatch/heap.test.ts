import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap, type HeapPlace } from "./heap.ts";

interface Thing extends HeapPlace {
  weight: number;
}

function createHeap() {
  const compared = { times: 0 };
  const heap = new Heap<Thing>((a, b) => {
    compared.times++;
    return a.weight < b.weight;
  });
  const add = (weight: number): Thing => {
    const thing = { weight, heapIndex: 0 };
    heap.add(thing);
    return thing;
  };
  return { heap, compared, add };
}

describe("a heap", () => {
  it("has the least of what is in it at hand, whatever comes, leaves or changes", () => {
    const step = fc.record({
      act: fc.constantFrom("add", "add", "remove", "update"),
      weight: fc.nat(20),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { heap, add } = createHeap();
        const inside: Thing[] = [];
        for (const { act, weight, at } of steps) {
          const index = at % Math.max(1, inside.length);
          const thing = inside[index];
          if (act === "add" || thing === undefined) {
            inside.push(add(weight));
          } else if (act === "remove") {
            heap.remove(thing);
            inside.splice(index, 1);
          } else {
            thing.weight = weight;
            heap.update(thing);
          }
          expect(heap.size).toBe(inside.length);
          expect(heap.first?.weight).toBe(
            inside.length > 0 ? Math.min(...inside.map((one) => one.weight)) : undefined,
          );
        }
      }),
    );
  });

  it("compares at most twice the logarithm of what is in it to let the first go", () => {
    for (const count of [10, 1_000, 100_000]) {
      const { heap, compared, add } = createHeap();
      // Descending: each new one rises to the top.
      for (let weight = count; weight > 0; weight--) add(weight);
      expect(compared.times / count).toBeLessThanOrEqual(Math.log2(count));
      for (let gone = 0; gone < 5; gone++) {
        compared.times = 0;
        heap.remove(heap.first!);
        expect(compared.times).toBeLessThanOrEqual(2 * Math.log2(count) + 1);
      }
    }
  });
});

import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionView } from "../seeing/views.ts";
import { SessionTable } from "./session-table.ts";

function rowOf(sessionKey: string, waiting = 0): SessionView {
  return {
    sessionKey,
    agent: "main",
    state: "idle",
    detail: "idle",
    waiting,
    events: 0,
    zombies: 0,
    incarnation: 1,
    paused: false,
  };
}
/** The keys "0", "1" and so on, in the order in which a table has them. */
function keys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${index}`).toSorted();
}
function tableOf(sessionKeys: readonly string[]): SessionTable {
  return SessionTable.empty.with(new Map(sessionKeys.map((sessionKey) => [sessionKey, rowOf(sessionKey)])));
}

describe("a session table", () => {
  it("is a map of its rows in the order of their keys, whatever changes in it", () => {
    const change = fc.record({ key: fc.nat(300), waiting: fc.option(fc.nat(3), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 120 }), { maxLength: 8 }), (rounds) => {
        const model = new Map<string, SessionView>();
        let table = SessionTable.empty;
        for (const round of rounds) {
          const changes = new Map<string, SessionView | undefined>();
          for (const { key, waiting } of round) {
            const sessionKey = `${key}`;
            const row = waiting === undefined ? undefined : rowOf(sessionKey, waiting);
            changes.set(sessionKey, row);
            if (row === undefined) model.delete(sessionKey);
            else model.set(sessionKey, row);
          }
          table = table.with(changes);
          const sorted = [...model.keys()].toSorted();
          expect(table.size).toBe(model.size);
          expect([...table.keys()]).toEqual(sorted);
          expect(sorted.every((key) => table.get(key) === model.get(key) && table.has(key))).toBe(true);
          for (let key = 0; key <= 300; key++) expect(table.has(`${key}`)).toBe(model.has(`${key}`));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("never changes: what is made of it is another", () => {
    const before = tableOf(keys(1_000));
    const rows = [...before.values()];
    const after = before.with(
      new Map([
        ["500", undefined],
        ["501", rowOf("501", 7)],
        ["5001", rowOf("5001")],
      ]),
    );
    expect([before.size, before.has("500"), before.get("501")?.waiting]).toEqual([1_000, true, 0]);
    expect([...before.values()].every((row, index) => row === rows[index])).toBe(true);
    expect([after.size, after.has("500"), after.get("501")?.waiting]).toEqual([1_000, false, 7]);
    expect(after.has("5001")).toBe(true);
  });

  it("keeps the rows that did not change", () => {
    const before = tableOf(keys(1_000));
    const after = before.with(new Map([["500", rowOf("500", 1)]]));
    const others = [...before].filter(([key, row]) => after.get(key) !== row).map(([key]) => key);
    expect(others).toEqual(["500"]);
  });

  it("is read like any map", () => {
    const table = tableOf(["b", "a"]);
    const [a, b] = [rowOf("a"), rowOf("b")];
    expect([...table]).toEqual([
      ["a", a],
      ["b", b],
    ]);
    expect([...table.entries()]).toEqual([...table]);
    expect([[...table.keys()], [...table.values()]]).toEqual([
      ["a", "b"],
      [a, b],
    ]);
    const told: unknown[] = [];
    const self = {};
    table.forEach(function (this: unknown, row, key, whole) {
      told.push([this === self, row, key, whole === table]);
    }, self);
    expect(told).toEqual([
      [true, a, "a", true],
      [true, b, "b", true],
    ]);
    expect(inspect(table)).toBe(inspect(new Map(table)));
  });

  it("does with nothing in it", () => {
    const { empty } = SessionTable;
    expect([empty.size, empty.get("a"), [...empty]]).toEqual([0, undefined, []]);
    expect([...empty.with(new Map([["a", undefined]]))]).toEqual([]);
    expect([...tableOf(["a"]).with(new Map([["a", undefined]]))]).toEqual([]);
  });
});

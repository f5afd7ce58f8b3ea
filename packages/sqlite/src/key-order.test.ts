import * as fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { compareKeys } from "./key-order.ts";

it("orders keys as SQLite does", () => {
  const database = new DatabaseSync(":memory:");
  const less = database.prepare("SELECT ? < ? AS is_less");
  const key = fc.string({
    unit: fc.constantFrom("a", "b", "é", "\uE000", "\uFFFD", "😀", "𝒜"),
    maxLength: 4,
  });
  fc.assert(
    fc.property(key, key, (one, other) => {
      expect(compareKeys(one, other) < 0).toBe(less.get(one, other)!["is_less"] === 1);
      expect(compareKeys(one, other) === 0).toBe(one === other);
    }),
  );
});

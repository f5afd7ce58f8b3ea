import { expect, test } from "vitest";
import { deterministicIds } from "./deterministic-ids.ts";

test("ids are the same for every maker, and sort in the order in which they were made", () => {
  const [one, other] = [deterministicIds(), deterministicIds()];
  const ids = Array.from({ length: 1_200 }, one);
  expect(ids.slice(0, 2)).toEqual(["id-000001", "id-000002"]);
  expect(ids.toSorted()).toEqual(ids);
  expect(other()).toBe(ids[0]);
  expect(deterministicIds("m")()).toBe("m000001");
});

test("refuses a prefix that is no text", () => {
  expect(() => deterministicIds(5 as unknown as string)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION" }),
  );
});

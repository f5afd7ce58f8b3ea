import { expect, test } from "vitest";
import { checkInvariants } from "../check-invariants.ts";
import { trueRecordings } from "./true-recordings.ts";

test("finds nothing in true recordings", async () => {
  for await (const lives of trueRecordings()) expect(checkInvariants(lives)).toEqual([]);
});

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseTrace, readTrace } from "./trace.ts";

const line = (fields: object) =>
  JSON.stringify({ at: 0, session: "agent:a:web:1", inputTokens: 1, outputTokens: 2, ...fields });

describe("parseTrace", () => {
  it("reads one request a line and counts the sessions", () => {
    const text = [line({ at: 0 }), line({ at: 5, session: " b " }), line({ at: 9, more: true })].join("\r\n");
    expect(parseTrace(text, "traces/some.jsonl")).toEqual({
      name: "some.jsonl",
      sessions: 2,
      arrivals: [
        { at: 0, session: "agent:a:web:1", inputTokens: 1, outputTokens: 2 },
        { at: 5, session: "b", inputTokens: 1, outputTokens: 2 },
        { at: 9, session: "agent:a:web:1", inputTokens: 1, outputTokens: 2 },
      ],
    });
  });

  it("puts requests in order of arrival and keeps the order of those that arrive together", () => {
    const { arrivals } = parseTrace(
      [line({ at: 7, session: "a" }), line({ at: 3, session: "b" }), line({ at: 7, session: "c" })].join(
        "\n",
      ),
      "t",
    );
    expect(arrivals.map(({ session }) => session)).toEqual(["b", "a", "c"]);
  });

  it("counts blank lines when it names a malformed one", () => {
    expect(() => parseTrace(`\uFEFF${line({})}\n\nnope\n`, "t.jsonl")).toThrow(
      "t.jsonl, line 3: not valid JSON",
    );
  });

  it.each([
    ["an array", "[]", "it must be an object"],
    ["an empty object", "{}", '"at" is missing'],
    ["null", "null", "it must be an object"],
    ["a missing field", line({ outputTokens: undefined }), '"outputTokens" is missing'],
    ["a time that is no number", line({ at: "0" }), '"at" must be a number'],
    ["a time before the trace", line({ at: -1 }), '"at" must not be negative'],
    ["an endless time", line({}).replace('"at":0', '"at":1e999'), '"at" must be finite'],
    ["part of a token", line({ inputTokens: 0.5 }), '"inputTokens" must be a whole number'],
    ["an empty session", line({ session: "  " }), '"session" must not be empty'],
    ["a long session", line({ session: "x".repeat(513) }), '"session" must be at most 512 characters long'],
    ["a line separator", line({ session: "a\u2028b" }), '"session" must not contain control characters'],
    ["a lone surrogate", line({ session: "a\uD800" }), '"session" must not contain control characters'],
  ])("refuses %s", (_, text, message) => {
    expect(() => parseTrace(text, "t.jsonl")).toThrow(`t.jsonl, line 1: ${message}`);
  });

  it("refuses a trace without a request", () => {
    expect(() => parseTrace("\n\n", "t.jsonl")).toThrow("the trace t.jsonl is empty");
  });
});

describe("readTrace", () => {
  it("names a file that is not there", async () => {
    await expect(readTrace("no/such.jsonl")).rejects.toMatchObject({
      code: "BAD_TRACE",
      message: "cannot read the trace no/such.jsonl: there is no such file",
    });
  });

  it("reads the bundled trace: 2,915 requests of 1,976 sessions in 20 minutes", async () => {
    const path = fileURLToPath(new URL("../traces/chat-20-minutes.jsonl", import.meta.url));
    const trace = await readTrace(path);
    expect(trace.arrivals).toHaveLength(2_915);
    expect(trace.sessions).toBe(1_976);
    expect(trace.arrivals.at(-1)?.at).toBeLessThan(20 * 60_000);
  });
});

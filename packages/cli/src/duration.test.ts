import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each([
    ["500ms", 500],
    ["20s", 20_000],
    ["2m", 120_000],
    ["1.5m", 90_000],
    ["1h", 3_600_000],
    ["750", 750],
    [" 5s ", 5_000],
    ["0", 0],
  ])("reads %j as %d ms", (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each(["", "s", "-5s", "5 s", "5sec", "1e3", "Infinity", "NaN", "0x10", "9".repeat(30)])(
    "refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [840.4, "840 ms"],
    [12_340, "12.3 s"],
    [20_000, "20 s"],
    [59_999, "1 min"],
    [1_224_000, "20 min 24 s"],
    [3_600_000, "1 h"],
    [3_900_000, "1 h 5 min"],
  ])("writes %d ms as %j", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

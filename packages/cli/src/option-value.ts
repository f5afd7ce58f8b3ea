import { InvalidArgumentError } from "commander";
import { parseDuration } from "./duration.ts";

/** A share of turns, 0 to 1. */
export function parseShare(text: string): number {
  const share = parseNumber(text);
  if (share === undefined || share < 0 || share > 1)
    throw new InvalidArgumentError("It takes a number from 0 to 1.");
  return share;
}

/** A factor above 0, or `max`. */
export function parseSpeed(text: string): number | "max" {
  if (text === "max") return text;
  const speed = parseNumber(text);
  if (speed === undefined || speed <= 0) throw new InvalidArgumentError("It takes a number above 0, or max.");
  return speed;
}

/** A count of at least one. */
export function parseCount(text: string): number {
  const count = parseNumber(text);
  if (count === undefined || count < 1 || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError("It takes a whole number of at least 1.");
  }
  return count;
}

/** An amount above 0, such as `24` or `0.5`. */
export function parseAmount(text: string): number {
  const amount = parseNumber(text);
  if (amount === undefined || amount <= 0) throw new InvalidArgumentError("It takes a number above 0.");
  return amount;
}

/** A seed: any whole number of 32 bits. */
export function parseSeed(text: string): number {
  const seed = parseNumber(text);
  if (seed === undefined || (seed | 0) !== seed)
    throw new InvalidArgumentError("It takes a whole number of 32 bits.");
  return seed;
}

/** A duration in milliseconds, at least one. */
export function parseDurationOption(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined || durationMs < 1) {
    throw new InvalidArgumentError(
      "It takes a duration above 0, such as 500ms, 20s, 2m or plain milliseconds.",
    );
  }
  return durationMs;
}

function parseNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))
    ? Number(text)
    : undefined;
}

import type * as v from "valibot";
import type { Clock } from "../time/clock.ts";
import { callback, check, optional, port } from "./validation.ts";

/** A clock that a host gives, or none. */
export const clockOption: v.GenericSchema<Clock | undefined> = optional(
  port<Clock>("clock", ["now", "monotonic", "setTimeout", "clearTimeout"]),
);
/** A source of chance that a host gives, or none. */
export const randomOption: v.GenericSchema<(() => number) | undefined> = optional(callback<() => number>());

/** Checks the options `clock` and `random` of a call, as adapters take them. Throws `INVALID_OPTION`. */
export function assertTimeOptions(
  call: string,
  { clock, random }: { readonly clock?: unknown; readonly random?: unknown },
): void {
  check("clock", clockOption, clock, `The option clock of ${call}`);
  check("random", randomOption, random, `The option random of ${call}`);
}

import { expect, test } from "vitest";
import { originOf } from "./origin.ts";

const message = { type: "message", wakes: true } as const;
const event = { type: "event", wakes: true } as const;
const quiet = { type: "event", wakes: false } as const;
const person = { origin: "person" } as const;
const heartbeat = { origin: "heartbeat" } as const;

test.each([
  ["a heartbeat's turn is of its origin", "heartbeat", [{ ...quiet, ...person }], "person", "heartbeat"],
  ["a wake's turn of the wake's", "wake", [{ ...quiet, ...person }], "heartbeat", "heartbeat"],
  ["a wake's turn of the wake's", "wake", [{ ...quiet, ...heartbeat }], "person", "person"],
  [
    "a message's of the message's",
    "message",
    [
      { ...message, ...person },
      { ...event, ...heartbeat },
    ],
    "heartbeat",
    "person",
  ],
  [
    "a message's of the message's",
    "message",
    [
      { ...message, ...heartbeat },
      { ...event, ...person },
    ],
    "person",
    "heartbeat",
  ],
  [
    "one person of a batch is enough",
    "message",
    [
      { ...message, ...heartbeat },
      { ...message, ...person },
    ],
    "person",
    "person",
  ],
  [
    "an event's of the events that wake",
    "event",
    [
      { ...event, ...heartbeat },
      { ...quiet, ...person },
    ],
    "person",
    "heartbeat",
  ],
  [
    "one person among them is enough",
    "event",
    [
      { ...event, ...heartbeat },
      { ...event, ...person },
    ],
    "heartbeat",
    "person",
  ],
  ["without a cause it is a person's", "event", [], "heartbeat", "person"],
] as const)("B39 %s (%s)", (_, cause, items, ofWake, origin) => {
  expect(originOf(cause, items, ofWake)).toBe(origin);
});

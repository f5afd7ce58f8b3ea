import { and, fromPromise, not, setup } from "xstate";

/** A machine that uses every construct a chart can show, for the tests of the drawing. */
export const sampleMachine = setup({
  actors: { fetch: fromPromise(() => Promise.resolve(1)) },
  actions: { note: (_, _params: { reason: string }) => {}, ring: () => {}, wipe: () => {} },
  guards: { isOpen: () => true, isLate: () => false },
  delays: { patience: 1_000 },
}).createMachine({
  id: "sample",
  description: "Shows one of everything, with <brackets> & more.",
  initial: "idle",
  on: { "*": { actions: "ring" }, "alarm.raised": { target: ".stalled" } },
  states: {
    idle: {
      description: "Waits | for a start.",
      entry: "wipe",
      on: {
        start: [
          { guard: and(["isOpen", not("isLate")]), target: "busy", actions: "ring" },
          { target: "done" },
        ],
        ping: { actions: { type: "note", params: { reason: "ping" } } },
        hush: {},
      },
    },
    busy: {
      initial: "asking",
      exit: "ring",
      on: { again: { target: "busy", reenter: true }, abort: { target: "done" } },
      states: {
        asking: {
          invoke: {
            id: "answer",
            src: "fetch",
            onDone: { target: "choosing" },
            onError: { target: "#sample.idle", actions: { type: "note", params: { reason: "failed" } } },
          },
          after: { patience: { target: "#sample.stalled" }, 50: { actions: "ring" } },
        },
        choosing: {
          always: [{ guard: "isLate", target: "asking" }, { target: "finished" }],
        },
        finished: { type: "final" },
      },
      onDone: { target: "done" },
    },
    stalled: {
      type: "parallel",
      on: { resume: { target: "busy" } },
      states: {
        left: { initial: "up", states: { up: { on: { toggle: { target: "down" } } }, down: {} } },
        right: {},
      },
    },
    done: { type: "final" },
  },
});

import * as fc from "fast-check";
import { type ModelCommand, define, modelSessions, session, at, hasCode, pick } from "./model-command.ts";

const abort = define({
  name: "abort",
  data: session,
  inModel(model, key) {
    const { turn } = model.session(key);
    if (turn !== undefined) model.abort(turn, "aborted");
    return turn !== undefined;
  },
  inWorld: (world, key) => world.settle(world.keeper.abort(key)),
});

const reset = define({
  name: "reset",
  data: session,
  inModel: (model, key) => model.reset(key),
  async inWorld(world, key) {
    // It resolves when the old turn is over, which may be later.
    await world.settle(world.keeper.reset(key));
  },
});

const pause = define({
  name: "pause",
  data: fc.record({ session: fc.option(session, { nil: undefined }), isPaused: fc.boolean() }),
  // Where all may go on at once, nothing says who does first.
  isPossible: (model, { session: key }) =>
    key !== undefined || model.capacity.slots.turns >= modelSessions.length,
  inModel: (model, { session: key, isPaused }) => model.pause(key, isPaused),
  async inWorld({ keeper, settle }, { session: key, isPaused }) {
    await settle(isPaused ? keeper.pause(key) : keeper.resume(key));
  },
});

const exec = define({
  name: "exec",
  data: session,
  inModel: (model, key) => model.exec(key, `x${model.step}`),
  async inWorld({ keeper, settle, name: call }, key, { step }) {
    const name = `x${step}`;
    const execution = await settle(keeper.exec(key, "command", [name]));
    if (typeof execution === "string") return execution;
    return call(execution.execId, name);
  },
});

const endCommand = define({
  name: "endCommand",
  data: at,
  isPossible: ({ processes }) => processes.length > 0,
  inModel: (model, index) => model.endProcess(pick(model.processes, index)),
  async inWorld(world, index, model) {
    world.endCommand(pick(model.processes, index).id);
    await world.settle(Promise.resolve());
  },
});

const setCapacity = define({
  name: "setCapacity",
  data: fc.record({
    turns: fc.integer({ min: 1, max: 4 }),
    limit: fc.integer({ min: 1, max: 2 }),
    reserved: fc.nat(1),
  }),
  inModel(model, { turns, limit, reserved }) {
    model.capacity.slots = { turns, groups: { batch: { limit, reserved: Math.min(reserved, turns - 1) } } };
  },
  async inWorld({ keeper, settle }, { turns, limit, reserved }) {
    keeper.setCapacity({ turns, groups: { batch: { limit, reserved: Math.min(reserved, turns - 1) } } });
    await settle(Promise.resolve());
  },
});

const advance = define({
  name: "advance",
  data: fc.constantFrom(1, 100, 300, 500, 1_000, 3_000, 10_000, 120_000),
  inModel: (model, ms) => model.advance(ms),
  async inWorld({ time }, ms) {
    await time.advance(ms);
  },
});

const restart = define({
  name: "restart",
  data: fc.constantFrom<("crash" | "close")[]>("crash", "crash", "close"),
  isPossible: (model, how) => how === "crash" || !hasCode(model),
  inModel(model, how) {
    model.restartKeeper(how);
  },
  async inWorld(world, how) {
    await world.restart(how);
  },
});

/** Commands to a keeper as a whole, time that passes, and crashes. The more often one stands here, the more often it is chosen. */
export const keeperCommands: readonly fc.Arbitrary<ModelCommand>[] = [
  abort,
  reset,
  pause,
  exec,
  endCommand,
  setCapacity,
  advance,
  advance,
  advance,
  restart,
];

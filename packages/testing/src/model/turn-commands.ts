import * as fc from "fast-check";
import { type ModelCommand, define, session, at, hasCode, isPersons, pick } from "./model-command.ts";
import type { CodeEnd } from "./reference-verdict.ts";

const endTurn = define({
  name: "endTurn",
  data: fc.record({
    turn: at,
    end: fc.constantFrom<CodeEnd[]>("returned", "returned", "threw", "threw for good"),
  }),
  // A heartbeat that fails in passing is tried again by its schedule, which the model does not know.
  isPossible: (model, { turn, end }) =>
    hasCode(model) && (end !== "threw" || pick(model.codes, turn).cause !== "heartbeat"),
  inModel: (model, { turn, end }) => model.endCode(pick(model.codes, turn), end),
  async inWorld(world, { turn, end }) {
    pick(world.codes, turn).end(end);
    await world.settle(Promise.resolve());
  },
});

const takeSteering = define({
  name: "takeSteering",
  data: at,
  isPossible: hasCode,
  inModel: (model, index) => model.takeSteering(pick(model.codes, index)).map(({ id }) => id),
  async inWorld(world, index) {
    const taken = await world.settle(pick(world.codes, index).tell((turn) => turn.takeSteering()));
    return typeof taken === "string" ? taken : taken.map(({ id }) => world.nameOf(id));
  },
});

const progress = define({
  name: "progress",
  data: at,
  isPossible: hasCode,
  inModel: (model, index) => model.progress(pick(model.codes, index)),
  async inWorld(world, index) {
    await world.settle(pick(world.codes, index).tell((turn) => turn.progress()));
  },
});

const wait = define({
  name: "wait",
  data: fc.record({ turn: at, ms: fc.constantFrom(757, 2_757, 20_757) }),
  isPossible: hasCode,
  inModel(model, { turn, ms }) {
    const one = pick(model.codes, turn);
    if (one.abort !== undefined) return "TURN_FENCED";
    model.progress(one, model.now + ms);
    return "waits";
  },
  async inWorld(world, { turn, ms }) {
    const never = new Promise<string>(() => {});
    const began = pick(world.codes, turn).tell((one) => {
      const { time } = world;
      return one.waiting("a human", Date.UTC(2026, 0, 1) + time.now + ms, never);
    });
    const answer = await world.settle(began.then((waiting) => waiting));
    return answer === "no answer" ? "waits" : answer;
  },
});

/** A turn sends to another session and awaits the reply (B10, B10a). */
const ask = define({
  name: "ask",
  data: fc.record({ turn: at, session }),
  isPossible(model, { turn, session: key }) {
    // One that could start at once might do so before it is awaited, on a slot of its own.
    const mustWait =
      model.session(key).turn !== undefined || model.capacity.held.length >= model.capacity.slots.turns;
    return mustWait && hasCode(model) && isPersons(pick(model.codes, turn));
  },
  inModel(model, { turn, session: key }) {
    const asker = pick(model.codes, turn);
    const answer = model.append({ id: `m${model.step}`, session: key, type: "message" });
    if (answer !== "accepted") return answer === "dropped" ? "waits" : answer;
    // It awaits the work before that starts, so it is its slot that the other session gets.
    return model.await(asker, model.items.at(-1)!);
  },
  async inWorld(world, { turn, session: key }, { step }) {
    const id = `m${step}`;
    let answer = "waits";
    const asked = pick(world.codes, turn).tell(async () => {
      const receipt = await world.keeper.send(key, id, { id });
      world.keep(receipt);
      receipt.reply().catch((error: unknown) => {
        if ((error as { code?: string }).code === "SELF_DEADLOCK") answer = "SELF_DEADLOCK";
      });
    });
    const sent = await world.settle(asked);
    return typeof sent === "string" ? sent : answer;
  },
});

const execInTurn = define({
  name: "execInTurn",
  data: fc.record({ turn: at, foreground: fc.boolean() }),
  isPossible: (model, { turn }) => hasCode(model) && isPersons(pick(model.codes, turn)),
  inModel(model, { turn, foreground }) {
    const owner = pick(model.codes, turn);
    model.exec(owner.session.key, `x${model.step}`, foreground ? owner : undefined);
  },
  async inWorld(world, { turn, foreground }, { step }) {
    const name = `x${step}`;
    const exec = pick(world.codes, turn).tell((one) => one.exec("command", [name], { foreground }));
    const execution = await world.settle(exec);
    if (typeof execution === "string") return execution;
    return world.name(execution.execId, name);
  },
});

/** What the code of turns does. The more often one stands here, the more often it is chosen. */
export const turnCommands: readonly fc.Arbitrary<ModelCommand>[] = [
  endTurn,
  endTurn,
  endTurn,
  takeSteering,
  progress,
  wait,
  ask,
  execInTurn,
];

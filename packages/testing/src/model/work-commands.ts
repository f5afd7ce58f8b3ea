import * as fc from "fast-check";
import {
  type ModelCommand,
  define,
  session,
  at,
  rank,
  group,
  nothing,
  asSender,
  beating,
  priorityOf,
  pick,
  received,
  keep,
} from "./model-command.ts";

const send = define({
  name: "send",
  data: fc.record({
    session,
    mode: fc.constantFrom("followup", "followup", "collect", "steer", "interrupt", "reject"),
    rank,
    group,
    expiresInMs: fc.constantFrom(undefined, undefined, undefined, 1_523, 12_323),
  }),
  inModel: (model, data) => asSender(model.append({ ...data, id: `m${model.step}`, type: "message" })),
  async inWorld(world, { session: key, rank: level, ...options }, { step }) {
    const id = `m${step}`;
    return keep(
      world,
      await world.settle(world.keeper.send(key, id, { ...options, id, priority: priorityOf(level) })),
    );
  },
});

const sendAgain = define({
  name: "sendAgain",
  data: at,
  isPossible: (model) => model.items.some(({ isMessage }) => isMessage),
  inModel(model, index) {
    const { id, input } = pick(
      model.items.filter(({ isMessage }) => isMessage),
      index,
    );
    return asSender(model.append({ id, session: input.session, type: "message" }));
  },
  async inWorld(world, index, model) {
    const { id, input } = pick(
      model.items.filter(({ isMessage }) => isMessage),
      index,
    );
    const sent = world.keeper.send(input.session, id, { id: world.idOf(id), mode: "followup" });
    return keep(world, await world.settle(sent));
  },
});

/** Somebody types: the second message puts the end of quiet off, beyond the longest that the first may wait (B18). */
const burst = define({
  name: "burst",
  data: session,
  inModel(model, key) {
    const input = { session: key, type: "message", mode: "collect" } as const;
    const first = asSender(model.append({ ...input, id: `m${model.step}` }));
    model.advance(200);
    const second = asSender(model.append({ ...input, id: `n${model.step}` }));
    model.advance(250);
    return [first, second];
  },
  async inWorld(world, key, { step }) {
    const say = async (id: string): Promise<string> =>
      keep(world, await world.settle(world.keeper.send(key, id, { id, mode: "collect" })));
    const first = await say(`m${step}`);
    await world.time.advance(200);
    const second = await say(`n${step}`);
    await world.time.advance(250);
    return [first, second];
  },
});

const notify = define({
  name: "notify",
  data: fc.record({
    session,
    key: fc.constantFrom(undefined, undefined, "k"),
    wakes: fc.constantFrom(true, true, false),
    rank,
    group,
  }),
  inModel: (model, data) => asSender(model.append({ ...data, id: `e${model.step}`, type: "event" })),
  async inWorld(world, { session: sessionKey, key, wakes, rank: level, group: name }, { step }) {
    const options = { id: `e${step}`, wake: wakes, priority: priorityOf(level), group: name };
    return keep(world, await world.settle(world.keeper.notify(sessionKey, { kind: "note", key }, options)));
  },
});

const cancel = define({
  name: "cancel",
  data: at,
  isPossible(model, index) {
    if (received(model).length === 0) return false;
    // Whether quiet counts from a message that was withdrawn is nowhere said.
    const item = pick(received(model), index);
    return item.input.mode !== "collect" || model.blockedBy(model.session(item.input.session)) !== "debounce";
  },
  inModel: (model, index) => model.withdraw([pick(received(model), index)], "cancelled:cancelled") > 0,
  async inWorld(world, index, model) {
    const { input, id } = pick(received(model), index);
    const receipt = await world.settle(world.keeper.attach(input.session, world.idOf(id)));
    if (receipt === undefined) return false;
    return typeof receipt === "string" ? receipt : world.settle(receipt.cancel());
  },
});

const clear = define({
  name: "clear",
  data: fc.record({ session, events: fc.boolean() }),
  inModel(model, { session: key, events }) {
    const waiting = model
      .session(key)
      .waiting.filter(({ input: { type } }) => type === "message" || (events && type === "event"));
    return model.withdraw(waiting, "cancelled:cleared");
  },
  inWorld: (world, { session: key, events }) => world.settle(world.keeper.clear(key, { events })),
});

const redrive = define({
  name: "redrive",
  data: at,
  isPossible: ({ letters }) => letters.length > 0,
  inModel: (model, index) => asSender(model.redrive(pick(model.letters, index))),
  async inWorld(world, index, model) {
    const item = pick(model.letters, index);
    const alike = model.letters.filter(({ id }) => id === item.id);
    const letters = await world.settle(world.keeper.deadLetters({ limit: 1_000 }));
    if (typeof letters === "string") return letters;
    const found = letters.filter(({ items: [first] }) => world.nameOf(first!.id) === item.id);
    const letter = found.toReversed()[alike.indexOf(item)];
    const answer = await world.settle(world.keeper.redrive(letter?.id ?? "no letter"));
    if (typeof answer === "string") return answer;
    if (answer.id !== world.idOf(item.id)) world.name(answer.id, `r${model.step}`);
    return item.input.type === "completion" ? "receipt" : keep(world, answer);
  },
});

const wake = define({
  name: "wake",
  data: fc.record({
    session,
    rank,
    reason: fc.constantFrom("why", "because"),
    coalesceMs: fc.constantFrom(0, 271),
  }),
  inModel: (model, data) => model.wake(data.session, data.reason, data.rank, data.coalesceMs),
  async inWorld({ keeper, settle }, { session: key, rank: level, ...options }) {
    keeper.wake(key, { ...options, priority: priorityOf(level) });
    await settle(Promise.resolve());
  },
});

const heartbeat = define({
  name: "heartbeat",
  data: nothing,
  inModel: (model) => model.heartbeat(beating.session),
  async inWorld({ keeper, settle }) {
    void keeper.heartbeat(beating.agent).request();
    await settle(Promise.resolve());
  },
});

/** Commands about work: sending, withdrawing, putting back, and asking for turns. The more often one stands here, the more often it is chosen. */
export const workCommands: readonly fc.Arbitrary<ModelCommand>[] = [
  send,
  send,
  send,
  send,
  sendAgain,
  burst,
  notify,
  cancel,
  clear,
  redrive,
  wake,
  heartbeat,
];

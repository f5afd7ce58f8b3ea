import { expect, it } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import { createFixture } from "./fixture.ts";

/** A store in memory that says that it is durable. */
function durableStore(): Store {
  const store = memoryStore();
  return {
    leases: store.leases,
    async open(host) {
      const mailboxes = await store.open(host);
      return new Proxy(mailboxes, {
        get: (target, name) => (name === "isDurable" ? true : (Reflect.get(target, name) as unknown)),
      });
    },
    close: () => store.close(),
  };
}

it("B57 refuses a message that would not survive JSON, by the path of what would not, and accepts nothing", async () => {
  const { keeper, clock, turns, of } = await createFixture({ store: durableStore() });
  const refused = keeper.send("s", { at: { when: new Date(0) } }, { id: "m" });
  await expect(refused).rejects.toMatchObject({
    code: "INVALID_MESSAGE",
    message:
      "This body cannot be kept (body.at.when: a Date). A durable store takes what JSON gives back as it was, up to maxMessageBytes (1048576). Nothing was accepted. Make that part of it text, numbers, lists or plain objects; or keep it elsewhere and send its path or URL.",
    details: { sessionKey: "s", id: "m", fault: "body.at.when: a Date" },
  });
  await clock.settle();
  expect(turns).toEqual([]);
  expect(await keeper.attach("s", "m")).toBeUndefined();
  expect(of("message.refused")).toMatchObject([{ id: "m", reason: "INVALID_MESSAGE" }]);
});

it.each([
  ["-0", { degrees: -0 }, "body.degrees: -0"],
  [
    "an array with members of other names",
    Object.assign([1], { unit: "m" }),
    "body.unit: a named member of an array",
  ],
  ["an array with holes", Array(2), "body[0]: undefined"],
])("B57 refuses a message with %s, which JSON would change", async (_, body, fault) => {
  const { keeper } = await createFixture({ store: durableStore() });
  await expect(keeper.send("s", body)).rejects.toMatchObject({ code: "INVALID_MESSAGE", details: { fault } });
});

it("B57 refuses an event whose body would not survive JSON", async () => {
  const { keeper, of } = await createFixture({ store: durableStore() });
  const refused = keeper.notify("s", { kind: "noted", body: [1n] });
  await expect(refused).rejects.toMatchObject({
    code: "INVALID_MESSAGE",
    details: { fault: "body[0]: a bigint" },
  });
  expect(of("event.refused")).toMatchObject([{ reason: "INVALID_MESSAGE" }]);
  await expect(keeper.notify("s", { kind: "noted" })).resolves.toBeDefined();
});

it("B57 refuses a message larger than maxMessageBytes", async () => {
  const { keeper } = await createFixture({ store: durableStore(), maxMessageBytes: 10 });
  await expect(keeper.send("s", "ä".repeat(4))).resolves.toBeDefined();
  await expect(keeper.send("s", "ä".repeat(5))).rejects.toMatchObject({
    code: "INVALID_MESSAGE",
    details: { fault: "body: 12 bytes as JSON, more than 10" },
  });
});

it("B57 takes anything where the store is not durable", async () => {
  const { keeper, clock, turns } = await createFixture({ maxMessageBytes: 1 });
  await keeper.send("s", { when: new Date(0) });
  await clock.settle();
  expect(turns[0]!.turn.messages[0]!.body).toEqual({ when: new Date(0) });
});

it.each([
  ["would not survive JSON", { made: new Date(0) }, "reply.made: a Date"],
  ["is larger than maxMessageBytes", "x".repeat(9), "reply: 11 bytes as JSON, more than 10"],
])("B57 delivers a reply that %s to the live receipt and remembers none", async (_, reply, fault) => {
  const { keeper, clock, turns, logs } = await createFixture({ store: durableStore(), maxMessageBytes: 10 });
  const receipt = await keeper.send("s", 1, { id: "m" });
  await clock.settle();
  turns[0]!.resolve(reply);
  expect(await receipt.reply()).toBe(reply);
  const later = await keeper.attach("s", "m");
  expect(await later!.outcome).toMatchObject({ status: "completed", reply: undefined });
  expect(logs.filter(({ level }) => level === "warn").map(({ fields }) => fields["fault"])).toEqual([fault]);
});

it("B57 remembers a reply that does survive", async () => {
  const { keeper, clock, turns } = await createFixture({ store: durableStore() });
  const receipt = await keeper.send("s", 1, { id: "m" });
  await clock.settle();
  turns[0]!.resolve({ answer: [42] });
  await receipt.outcome;
  expect(await (await keeper.attach("s", "m"))!.reply()).toEqual({ answer: [42] });
});

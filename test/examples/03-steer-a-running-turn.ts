/**
 * 03 Steer a running turn. A person corrects the agent while it works; the agent takes the hint between two steps.
 *
 * In mode `steer` a message goes to the running turn, which takes it with `takeSteering()` and then shares its outcome
 * with it. What nobody takes runs as the next turn; with no turn to steer it is an ordinary message (B19).
 */
import assert from "node:assert/strict";
import { createLanekeeper } from "lanekeeper";

const chat = "agent:main:alice";
const log: string[] = [];

/** Two tools that take their time: the person's messages below arrive while they run. */
const tools = {
  read: Promise.withResolvers<void>(),
  write: Promise.withResolvers<void>(),
};
const started = { read: Promise.withResolvers<void>(), write: Promise.withResolvers<void>() };

const keeper = await createLanekeeper<string, string>({
  turn: async (turn) => {
    const task = turn.messages.map(({ body }) => body).join();
    if (task !== "translate the page") return `a turn of its own: ${task}`;
    const hints: string[] = [];
    for (const tool of ["read", "write"] as const) {
      started[tool].resolve();
      await tools[tool].promise;
      if (tool === "write") break; // the last step: nothing would use a hint any more
      // Between two steps is the place to look. Taking counts as progress.
      hints.push(...turn.takeSteering().map(({ body }) => body));
    }
    return `translated, ${hints.join(", ")}`;
  },
});
keeper.events$.subscribe((event) => {
  if (event.type === "message.accepted") log.push(event.isSteering ? "steers" : "waits");
  if (event.type === "message.steered") log.push("taken");
});

const task = await keeper.send(chat, "translate the page");
await started.read.promise;
const hint = await keeper.send(chat, "into Dutch", { mode: "steer" });
const regretted = await keeper.send(chat, "no, into Danish", { mode: "steer" });
assert.equal(await regretted.cancel(), true); // until it is taken it can be taken back
assert.equal(keeper.session(chat)?.waiting, 1);

tools.read.resolve();
await started.write.promise; // the hint is taken by now
assert.equal(await hint.cancel(), false);
const late = await keeper.send(chat, "and mind the footnotes", { mode: "steer" });
tools.write.resolve();

// The taken hint ends as its turn ends; the late one, which nobody took, gets a turn of its own, next in order.
assert.equal(await task.reply(), "translated, into Dutch");
assert.equal(await hint.reply(), "translated, into Dutch");
assert.equal(await late.reply(), "a turn of its own: and mind the footnotes");

// With no turn to steer, `steer` is `followup`: it is safe as the mode of a whole gateway.
const idle = await keeper.send(chat, "thanks", { mode: "steer" });
assert.equal(await idle.reply(), "a turn of its own: thanks");
assert.deepEqual(log, ["waits", "steers", "steers", "taken", "steers", "waits"]);

await keeper.close();

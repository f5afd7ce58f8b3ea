import { createLanekeeper } from "lanekeeper";

const keeper = await createLanekeeper<string, string>({
  turn: async (turn) => `you said ${turn.messages[0]?.body ?? "nothing"}`,
});
const receipt = await keeper.send("agent:main:alice", "hello");
console.log(await receipt.reply());
await keeper.close();

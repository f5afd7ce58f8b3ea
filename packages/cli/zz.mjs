import { createLanekeeper } from "lanekeeper";
import { replay } from "./src/replay.ts"; import { readTrace } from "./src/trace.ts";
let dl = 0, reasons = {};
const r = await replay(await readTrace("traces/chat-20-minutes.jsonl"), { speed: "max", capacity: 64, shares: { hang: .4, crash: .4, exec: .5 }, stallMs: 20e3, reclaimMs: 60e3, graceMs: 5e3, seed: 9 }, { stop: new AbortController().signal }, async (g) => { const k = await createLanekeeper(g); k.events$.subscribe((e) => { if (e.type === "deadLetter.added") { dl++; reasons[JSON.stringify(Object.keys(e))] = (reasons[JSON.stringify(Object.keys(e))] ?? 0) + 1; } if (e.type === "turn.lateResult") throw new Error("late"); }); return k; });
console.log(r.tally.deadLettered, dl, reasons, r.tally.lost, r.tally.duplicated, r.tally.overlaps, r.tally.orderViolations, r.tally.completions.deadLettered);

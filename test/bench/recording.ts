import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLanekeeper, type Recorder } from "lanekeeper";
import { recordInMemory, recordToFile } from "lanekeeper/recording";
import { readOptions } from "../../.tools/read-options.ts";
import type { Contender, Load } from "./contenders.ts";
import { compare, median, ratio } from "./rounds.ts";

const help = `Usage: npm run bench:recording

What recording costs a turn, in time and in bytes, beside a keeper that is not recorded and one that is watched.

  --help  this text
`;
readOptions({}, help);

const folder = await mkdtemp(join(tmpdir(), "recording-bench-"));
const load: Load = { sessions: 500, turns: 20 };
const asked = load.sessions * load.turns;
/** What people write, on average. */
const message = "a message of some sixty characters, as people write them, yes";
const sizes = new Map<string, number>();
let files = 0;

function recorded(name: string, createRecorder: () => Recorder | undefined, isWatched = false): Contender {
  return {
    name,
    async open(_, run) {
      const recorder = createRecorder();
      const keeper = await createLanekeeper<string, string>({
        recorder,
        capacity: { turns: 64 },
        lane: { cap: 1_000 },
        turn: async (turn) => {
          turn.progress();
          await run();
          return `you said ${turn.messages[0]!.body}`;
        },
      });
      if (isWatched) keeper.events$.subscribe();
      return {
        submit: async (key) => (await keeper.send(key, message)).outcome,
        async close() {
          await keeper.close();
          if (recorder !== undefined && "path" in recorder)
            sizes.set(name, (await stat(recorder.path as string)).size / asked);
        },
      };
    },
  };
}

const plain = recorded("not recorded", () => undefined);
const contenders = [
  plain,
  recorded("not recorded, events$ subscribed", () => undefined, true),
  recorded("recordInMemory", () => recordInMemory()),
  recorded("recordToFile, .jsonl", () => recordToFile(join(folder, `${++files}.jsonl`))),
  recorded("recordToFile, .jsonl.gz", () => recordToFile(join(folder, `${++files}.jsonl.gz`))),
];
const timings = await compare(contenders, load, { warmUps: 2, counted: 9 });
await rm(folder, { recursive: true });
for (const timing of timings) {
  const bytes = sizes.get(timing.name);
  const cost = `${median(timing.rounds).toFixed(0)} µs a turn, ${ratio(timing, timings[0]!).toFixed(1)} times`;
  process.stdout.write(
    `${timing.name.padEnd(34)}${cost}${bytes === undefined ? "" : `, ${bytes.toFixed(0)} bytes`}\n`,
  );
}

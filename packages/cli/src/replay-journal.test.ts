import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { ReplayHeader } from "./replay-fact.ts";
import { readJournal, startJournal } from "./replay-journal.ts";

const header: ReplayHeader = {
  fact: "replay",
  version: 1,
  trace: { file: "träce.jsonl", messages: 1, sha256: "00" },
  options: { speed: "max", seed: 1 },
};
const offered = { fact: "offered", id: "message-1", session: "home", at: 5 } as const;
const accepted = { fact: "accepted", id: "message-1", at: 6 } as const;

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "replay.db.journal");
}

function start(): string {
  const path = temporaryPath();
  const journal = startJournal(path, header);
  journal.begin();
  journal.append(offered);
  return path;
}

it("gives back what was written, in order, and goes on behind it", () => {
  const path = start();
  const journal = readJournal(path);
  expect(journal?.past).toEqual([header, offered]);
  journal?.begin();
  journal?.append(accepted);
  expect(readJournal(path)?.past).toEqual([header, offered, accepted]);
});

it("takes a last line that was cut off for one that was not written, wherever it was cut", () => {
  const whole = `${JSON.stringify(accepted)}\n`;
  for (let length = 0; length < whole.length; length += 1) {
    const path = start();
    appendFileSync(path, whole.slice(0, length));
    const journal = readJournal(path);
    expect(journal?.past).toEqual([header, offered]);
    journal?.begin();
    journal?.append(accepted);
    expect(readJournal(path)?.past).toEqual([header, offered, accepted]);
  }
});

it("is none where there is no file; then it is started, by one", () => {
  const path = temporaryPath();
  expect(readJournal(path)).toBeUndefined();
  startJournal(path, header);
  expect(() => startJournal(path, header)).toThrow("another replay has written to");
  expect(readJournal(path)?.past).toEqual([header]);
});

it.for<[string, string, string]>([
  ["a line that is no JSON", "oops\n", "line 3: the line was changed since"],
  ["a fact that it does not know", '{"fact":"dreamt","at":1}\n', "line 3: the line was changed since"],
  ["a line that lost its end", '{"fact":"accepted","id":"mess\n', "line 3: the line was changed since"],
  ["a second beginning", `${JSON.stringify(header)}\n`, "line 3: the line was changed since"],
])("refuses %s, and leaves it as it is", ([, line, message]) => {
  const path = start();
  appendFileSync(path, `${line}${JSON.stringify(accepted)}\n`);
  const text = readFileSync(path, "utf8");
  expect(() => readJournal(path)).toThrow(
    expect.objectContaining({ code: "BAD_STORE", message: expect.stringContaining(message) }),
  );
  expect(readFileSync(path, "utf8")).toBe(text);
});

it("refuses a file of something else, and one that cannot be read", () => {
  const path = temporaryPath();
  for (const text of ["", '{"fact":"rep', "Dear diary,\n"]) {
    writeFileSync(path, text);
    expect(() => readJournal(path)).toThrow("line 1: it is not the journal of a replay");
  }
  expect(() => readJournal(join(path, ".."))).toThrow(expect.objectContaining({ code: "BAD_STORE" }));
});

it("writes nothing once another replay has written since it was read", () => {
  const path = start();
  const [one, other] = [readJournal(path), readJournal(path)];
  one?.begin();
  one?.append(accepted);
  expect(() => other?.begin()).toThrow(expect.objectContaining({ code: "BAD_STORE" }));
  expect(readJournal(path)?.past).toEqual([header, offered, accepted]);
});

it("says where it could not be written", () => {
  const path = start();
  const journal = readJournal(path);
  journal?.begin();
  rmSync(join(path, ".."), { recursive: true });
  expect(journal?.failed.aborted).toBe(false);
  journal?.append(accepted);
  expect(journal?.failed.reason).toMatchObject({ code: "BAD_STORE" });
  expect(() => startJournal(path, header)).toThrow("cannot write the journal");
});

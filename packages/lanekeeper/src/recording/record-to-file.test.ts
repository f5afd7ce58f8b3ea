import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFixture } from "../rules/fixture.ts";
import { readRecording } from "./read-recording.ts";
import { recordInMemory } from "./record-in-memory.ts";
import { recordToFile } from "./record-to-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recording-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a recording in a file", () => {
  it("is whole when its keeper has closed, and is what the memory would have", async () => {
    const path = join(folder, "whole.jsonl");
    const recordings = [recordToFile(path), recordInMemory()] as const;
    for (const recorder of recordings) {
      const { keeper, clock, turns } = await createFixture({ recorder, createId: () => "t1" });
      await keeper.send("a", "hello", { id: "m1" });
      await clock.settle();
      turns[0]!.resolve("hi");
      await clock.settle();
      await keeper.close();
    }
    const { header, entries } = await readRecording(path);
    const { recording } = recordings[1];
    expect(entries).toEqual(recording.entries);
    expect({ ...header, made: {} }).toEqual({ ...recording.header, made: {} });
  });

  it("overwrites none that is there", async () => {
    const path = join(folder, "twice.jsonl");
    await writeFile(path, "precious");
    const recorder = recordToFile(path);
    const { keeper } = await createFixture({ recorder });
    await keeper.close();
    expect(recorder.path).toBe(join(folder, "twice-2.jsonl"));
    expect(await readFile(path, "utf8")).toBe("precious");
    expect((await readRecording(recorder.path!)).header.version).toBe(1);
  });

  it.for([
    ["a folder that is not there", join("missing", "x.jsonl"), undefined, /ENOENT/],
    ["its limit of bytes", "small.jsonl", 600, /limit of 600 bytes/],
  ] as const)(
    "ends at %s with a line in the log, and the keeper goes on",
    async ([, name, maxBytes, why]) => {
      const recorder = recordToFile(join(folder, name), { maxBytes });
      const { keeper, clock, turns, logs } = await createFixture({ recorder });
      for (const id of ["1", "2", "3"]) {
        const receipt = await keeper.send("a", "hello", { id });
        await clock.settle();
        turns.at(-1)!.resolve("hi");
        expect((await receipt.outcome).status).toBe("completed");
      }
      await keeper.close();
      expect(logs.filter(({ level }) => level === "error")).toMatchObject([
        { message: expect.stringMatching(why) as string },
      ]);
    },
  );

  it("is refused for options that make no sense", () => {
    expect(() => recordToFile("")).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    expect(() => recordToFile("x", { maxBytes: 0 })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});

describe("reading a recording", () => {
  const header =
    '{"format":"lanekeeper-recording","version":1,"lanekeeper":"1.0.0","startedAt":5,"startedMono":1,"options":{"capacity":{},"lane":{},"heartbeats":[],"exec":{}},"made":{"instance":"one","laneSettings":{}}}';
  const write = async (...lines: string[]): Promise<string> => {
    const path = join(folder, "read.jsonl");
    await writeFile(path, lines.join("\n"));
    return path;
  };

  it("leaves out a last line that was not written to its end", async () => {
    const path = await write(header, '[1,"a",1]', '[2,"a",1,"');
    expect((await readRecording(path)).entries).toEqual([{ at: 2, type: "answer", call: 1 }]);
  });

  it.for([
    ["no recording", ["{}"], /must begin with the header/],
    ["an empty file", [""], /it begins with empty/],
    [
      "a newer format",
      [header.replace('"version":1', '"version":2')],
      /format version 2; this package reads version 1/,
    ],
    [
      "a header without its release",
      [header.replace('lanekeeper":"1', 'other":"1')],
      /must have lanekeeper, a text/,
    ],
    [
      "a header whose start is none",
      [header.replace(":5,", ":null,")],
      /must have startedAt, a number; it has "null"/,
    ],
    [
      "a header without options",
      [header.replace("options", "other")],
      /must have options.capacity, an object; it has none/,
    ],
    ["a header of another kind", [header.replace("[]", "{}")], /must have options.heartbeats, a list/],
    ["a damaged line", [header, "[", '[1,"a",1]'], /Line 2 of/],
    ["a line of another kind", [header, "[]"], /Line 2 of/],
    ["a line of an unknown code", [header, '[1,"zz"]'], /Line 2 of/],
    ["a line with a number that is none", [header, '[1,"a",1,"~nx"]'], /Line 2 of/],
  ] as const)("refuses %s", async ([, lines, why]) => {
    await expect(readRecording(await write(...lines))).rejects.toMatchObject({
      code: "RECORDING_INVALID",
      message: expect.stringMatching(why) as string,
    });
  });

  it("refuses a file that is not there", async () => {
    await expect(readRecording(join(folder, "nowhere"))).rejects.toMatchObject({ code: "RECORDING_INVALID" });
  });
});

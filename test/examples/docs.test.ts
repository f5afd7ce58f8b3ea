import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Lanekeeper } from "lanekeeper";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

/**
 * The samples of the package's pages are compiled and run as they stand, but for one thing: their seconds are
 * milliseconds here. Each lies beside an `app.ts` of its own, which stands for the reader's code.
 */
const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const pages = ["guarantees.md", "coming-from-a-hand-written-queue.md", "options.md"].map(
  (name) => `packages/lanekeeper/docs/${name}`,
);

/** The reader's code: an agent with every fault there is, and a chat. */
const app = `
export const asked: string[] = [];
export const posted: string[] = [];
export const gate = Promise.withResolvers<void>();
export async function runAgent(chat: string, text: string, _signal?: AbortSignal): Promise<string> {
  asked.push(\`\${chat}: \${text}\`);
  if (text === "hang") return new Promise(() => {});
  if (text.startsWith("slow")) await gate.promise;
  if (text.includes("fail")) throw new Error("503");
  return \`re: \${text}\`;
}
export async function post(chat: string, text: string): Promise<void> {
  posted.push(\`\${chat}: \${text}\`);
}
`;
interface App {
  readonly asked: readonly string[];
  readonly posted: readonly string[];
  readonly gate: PromiseWithResolvers<void>;
}
interface HandWritten {
  onMessage(chat: string, text: string): Promise<unknown>;
  onCommandDone(chat: string, output: string): Promise<void>;
}
type Kept = HandWritten & { readonly keeper: Lanekeeper<string, unknown> };

/** The `ts` blocks of a page, by the heading above them: `<heading> <number within it, from 1>`. */
function samplesOf(page: string): ReadonlyMap<string, string> {
  const samples = new Map<string, string>();
  for (const section of page.split(/^## /m)) {
    const [heading] = section.split("\n", 1);
    let number = 0;
    for (const [, code] of section.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      samples.set(`${heading} ${++number}`, code!);
    }
  }
  return samples;
}

const page = {
  guarantees: await readFile(join(root, pages[0]!), "utf8"),
  coming: await readFile(join(root, pages[1]!), "utf8"),
  options: await readFile(join(root, pages[2]!), "utf8"),
  rules: await readFile(join(root, "packages/lanekeeper/docs/behaviour.md"), "utf8"),
  readme: await readFile(join(root, "packages/lanekeeper/README.md"), "utf8"),
};
const samples = new Map([
  ...samplesOf(page.guarantees),
  ...samplesOf(page.coming),
  ...samplesOf(page.options),
  ...samplesOf(page.readme),
]);
const folders = new Map(Array.from(samples.keys(), (name, index) => [name, `sample-${index}`]));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, "docs-"));
  for (const [name, code] of samples) {
    const own = join(folder, folders.get(name)!);
    await mkdir(own);
    await writeFile(join(own, "app.ts"), app);
    // Seconds pass in milliseconds, but for a wait that is to end before its limit: how fast the machine is must not matter.
    await writeFile(join(own, "sample.ts"), code.replaceAll(/(?<=\d)(?<!waitMs: \d+)_000\b/g, ""));
  }
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(() => {
  // The keepers warn, as they should.
  const spy = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => spy.mockRestore());
});

/** Loads a sample and the code it was given. A keeper of it is closed when the test is over. */
async function load<Sample>(name: string): Promise<Sample & App> {
  const own = join(folder, folders.get(name)!);
  const given = (await import(/* @vite-ignore */ join(own, "app.ts"))) as App;
  const sample = (await import(/* @vite-ignore */ join(own, "sample.ts"))) as Sample;
  if ("keeper" in (sample as object)) {
    onTestFinished(() => (sample as Kept).keeper.close());
  }
  return { ...sample, asked: given.asked, posted: given.posted, gate: given.gate };
}
/** Lets everything run that is ready. */
async function settle(): Promise<void> {
  for (let round = 0; round < 50; round++) await new Promise((resolve) => setImmediate(resolve));
}

it("compiles every sample of the pages", { timeout: 60_000 }, async () => {
  expect(samples.size).toBe(11);
  const options = { composite: false, noEmit: true, emitDeclarationOnly: false, declaration: false };
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: options,
    include: ["**/*.ts"],
    references: [],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await writeFile(join(folder, "mistake.ts"), 'export const mistake: number = "found";\n');
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch(
    (error: { stdout: string }) => error,
  );
  // What is wrong elsewhere is told elsewhere.
  const mistakes = stdout.split("\n").filter((line) => line.includes(basename(folder)));
  expect(mistakes).toEqual([expect.stringMatching(/mistake\.ts.*TS2322/)]);
});

/** The names by which GitHub links to a page's headings. */
async function anchorsOf(file: string): Promise<readonly string[]> {
  const headings = (await readFile(file, "utf8")).matchAll(/^#+ (.*)/gm);
  return Array.from(headings, ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

it.for(["README.md", "packages/lanekeeper/README.md", ...pages])(
  "%s has no link that leads nowhere",
  async (path) => {
    const file = join(root, path);
    const links = (await readFile(file, "utf8")).matchAll(/\]\((?!https?:)([^)]+)\)/g);
    const broken: string[] = [];
    for (const [, link] of links) {
      const [to, anchor] = link!.split("#");
      const target = to === "" ? file : join(dirname(file), to!);
      const isThere =
        existsSync(target) && (anchor === undefined || (await anchorsOf(target)).includes(anchor));
      if (!isThere) broken.push(link!);
    }
    expect(broken).toEqual([]);
  },
);

it("runs the sample of the package's README", async () => {
  const { stdout } = await run(process.execPath, [join(folder, folders.get("# lanekeeper 1")!, "sample.ts")]);
  expect(stdout).toBe("you said hello\n");
});

it("the sample of options.md collects a burst, and a session of its own interrupts", async () => {
  const { keeper } = await load<Kept>("# Options 1");
  const replies = await Promise.all(["a", "b"].map((text) => keeper.send("agent:main:alice", text)));
  await expect(replies[0]!.reply()).resolves.toBe("you said a, b");
  const urgent = await keeper.send("agent:urgent:1", "now");
  await expect(urgent.reply()).resolves.toBe("you said now");
});

describe("guarantees.md", () => {
  const cited = (text: string): readonly string[] => text.match(/\bB\d+[a-z]?\b/g) ?? [];
  const defined = new Set(Array.from(page.rules.matchAll(/(?<![\w(])(B\d+[a-z]?)\. /g), ([, rule]) => rule!));

  it("cites every rule there is, and no other", () => {
    const isInRange = (rule: string): boolean =>
      Array.from(page.guarantees.matchAll(/B(\d+)–B(\d+)/g)).some(
        ([, from, to]) =>
          Number.parseInt(rule.slice(1)) >= Number(from) && Number.parseInt(rule.slice(1)) <= Number(to),
      );
    const named = new Set(cited(page.guarantees));
    expect(defined.size).toBeGreaterThan(60);
    expect([...defined].filter((rule) => !named.has(rule) && !isInRange(rule))).toEqual([]);
    expect([...named].filter((rule) => !defined.has(rule))).toEqual([]);
  });

  it("B28 a turn that was given up saves nothing, here and in the reader's own table", async () => {
    const { keeper, summaries, saveSummary, gate } = await load<
      Kept & {
        summaries: ReadonlyMap<string, { text: string; token: bigint }>;
        saveSummary(key: string, text: string, token: bigint): boolean;
      }
    >("What if a turn hangs? 1");
    const late = new Promise((resolve) => {
      keeper.events$.subscribe((event) => event.type === "turn.lateResult" && resolve(event.result));
    });
    const slow = await keeper.send("chat", "slow");
    await expect(slow.outcome).resolves.toMatchObject({ status: "reclaimed", reason: "stalled" });
    await (
      await keeper.send("chat", "hello")
    ).outcome;
    gate.resolve();
    await expect(late).resolves.toBe("threw");
    expect(summaries.get("chat")).toMatchObject({ text: "re: hello" });
    expect(saveSummary("chat", "late", summaries.get("chat")!.token - 1n)).toBe(false);
  });

  it("B49 a note is written under a lock, and refused from whoever held it before", async () => {
    const { keeper, notes, saveNote } = await load<
      Kept & {
        notes: ReadonlyMap<string, { text: string; token: bigint }>;
        saveNote(name: string, text: string, token: bigint): boolean;
      }
    >("Can two processes be kept from the same thing? 1");
    const replies = ["one", "two"].map(async (chat) => (await keeper.send(chat, "hello")).reply());
    await expect(Promise.all(replies)).resolves.toEqual([true, true]);
    expect(notes.get("note:team")).toMatchObject({ token: 2n });
    expect(saveNote("note:team", "late", 1n)).toBe(false);
    expect(keeper.locks.holders()).toEqual([]);
  });

  it("B58 shuts down in order", async () => {
    const before = process.listeners("SIGTERM");
    const sample = await load<Kept & { shutDown(): Promise<void> }>("What happens when the process stops? 1");
    const [added] = process.listeners("SIGTERM").filter((listener) => !before.includes(listener));
    expect(added).toBeTypeOf("function");
    process.off("SIGTERM", added!);
    const slow = await sample.keeper.send("chat", "slow");
    await settle();
    const over = sample.shutDown();
    await settle();
    await expect(sample.keeper.send("chat", "more")).rejects.toMatchObject({ code: "DRAINING" });
    sample.gate.resolve();
    await over;
    await expect(slow.outcome).resolves.toMatchObject({ status: "completed" });
    expect(sample.posted).toEqual(["chat: re: slow"]);
    expect(sample.keeper.stats().health).toBe("closed");
  });
});

describe("coming-from-a-hand-written-queue.md", () => {
  it("a promise chain is ended by a turn that hangs, and swallows a failure", async () => {
    const { onMessage, posted } = await load<HandWritten>("A promise chain per chat 1");
    void onMessage("a", "hang");
    void onMessage("a", "hello");
    await expect(onMessage("b", "fail")).rejects.toThrow("503");
    await onMessage("b", "hello");
    await settle();
    expect(posted).toEqual(["b: re: hello"]);
  });

  it("afterwards the chat goes on, and the failure is kept", async () => {
    const { keeper, onMessage, posted } = await load<Kept>("A promise chain per chat 2");
    await onMessage("a", "hang");
    await onMessage("a", "hello");
    await (
      await keeper.send("a", "still there?")
    ).outcome;
    expect(posted).toEqual(["a: re: hello", "a: re: still there?"]);
    await expect(keeper.deadLetters()).resolves.toMatchObject([{ sessionKey: "a", reason: "stalled" }]);
  });

  it("p-queue per key: four turns that hang stop everybody, who time out without having run", async () => {
    const { onMessage, asked, posted } = await load<HandWritten>("p-queue per key 1");
    const hung = ["a", "b", "c", "d"].map((chat) => onMessage(chat, "hang"));
    for (const one of await Promise.allSettled(hung)) expect(one.status).toBe("rejected");
    await expect(onMessage("e", "hello")).rejects.toThrow("timed out");
    expect(asked).not.toContain("e: hello");
    expect(posted).toEqual([]);
  });

  it("afterwards everybody is served once the four have been taken back", async () => {
    const { onMessage, posted } = await load<Kept>("p-queue per key 2");
    const hung = ["a", "b", "c", "d"].map((chat) => onMessage(chat, "hang"));
    await settle();
    const served = onMessage("e", "hello");
    for (const one of await Promise.allSettled(hung)) {
      expect(one).toMatchObject({ status: "rejected", reason: { code: "WORK_RECLAIMED" } });
    }
    await expect(served).resolves.toBe("re: hello");
    expect(posted).toEqual(["e: re: hello"]);
  });

  it("busy flags: after a failure what was pending waits for ever, and a command's result is gone", async () => {
    const { onMessage, onCommandDone, asked, gate } = await load<HandWritten>("A Map of busy flags 1");
    const failing = onMessage("a", "slow, then fail");
    await onMessage("a", "hello");
    await onCommandDone("a", "built");
    gate.resolve();
    await expect(failing).rejects.toThrow("503");
    await settle();
    expect(asked).toEqual(["a: slow, then fail"]);
  });

  it("afterwards both reach the next turn that can", async () => {
    const { keeper, onMessage, onCommandDone, asked, posted, gate } =
      await load<Kept>("A Map of busy flags 2");
    const started = new Promise<void>((resolve) => {
      keeper.events$.subscribe((event) => event.type === "turn.started" && resolve());
    });
    await onMessage("a", "slow, then fail");
    await started;
    await onMessage("a", "hello");
    await onCommandDone("a", "built");
    const last = await keeper.send("a", "well?");
    gate.resolve();
    await expect(last.outcome).resolves.toMatchObject({ status: "completed" });
    expect(asked.at(-1)).toBe("a: hello\nwell?\n[command.done] built");
    expect(posted).toContain("a: re: hello\nwell?\n[command.done] built");
  });
});

import { type CrashFact, checkCrashes } from "./crash-checker.ts";
import { runScript } from "./child-script.ts";
import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper, type LanekeeperError } from "lanekeeper";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const mebibyte = 1_048_576;
const script = new URL("crash-script.ts", import.meta.url);

/** A folder on a disk of its own that holds so much; it goes with the test. Throws where this process may not mount one. */
function mountSmallDisk(bytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  return folder;
}

function unmount(folder: string): void {
  execFileSync("umount", [folder], { stdio: "pipe" });
  rmSync(folder, { recursive: true });
}

function mayMount(): boolean {
  try {
    unmount(mountSmallDisk(mebibyte));
    return true;
  } catch {
    return false;
  }
}

function createDisk(bytes: number): string {
  const folder = mountSmallDisk(bytes);
  onTestFinished(() => unmount(folder));
  return folder;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** The script of the crash tests, as a command. */
const command = [process.execPath, fileURLToPath(script)] as const;

/** A command whose process may let no file grow larger: the system refuses that for everybody, the superuser too. */
function withFilesUpTo(bytes: number, run: readonly string[]): readonly string[] {
  return ["sh", "-c", 'ulimit -f "$0" && exec "$@"', String(bytes / 512), ...run];
}

/** Runs a command, and kills it as soon as it is enough, or it has lived for so long. */
async function killWhen(isEnough: () => boolean, longestMs: number, run: readonly string[]): Promise<void> {
  const [program, ...args] = run as [string, ...string[]];
  const child = spawn(program, args, { stdio: "ignore" });
  const over = new AbortController();
  const end = (): void => over.abort();
  const ended = once(child, "close").then(end);
  const timer = setTimeout(end, longestMs);
  while (!over.signal.aborted && !isEnough()) await new Promise((resolve) => setImmediate(resolve));
  clearTimeout(timer);
  child.kill("SIGKILL");
  await ended;
}

/** Takes what is left of a disk, but so many bytes; answers how to give it back. */
function takeSpace(folder: string, leaveBytes: number): () => void {
  const path = join(folder, "ballast");
  writeFileSync(path, Buffer.alloc(freeBytes(folder) - leaveBytes));
  return () => rmSync(path);
}

/** Gives a disk another size, under whoever writes to it. */
function resize(folder: string, bytes: number): void {
  execFileSync("mount", ["-o", `remount,size=${bytes}`, folder], { stdio: "pipe" });
}

/** A keeper on a file that runs small messages, one after the other, and forgets each at once. */
async function createRunner(path: string) {
  const keeper = await createLanekeeper<string, string>({
    store: sqliteStore(path),
    lane: { cap: 10_000, dedupeMs: 0 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    turn: () => "done",
  });
  onTestFinished(() => keeper.close());
  /** Sends until one is refused. Answers how the last ended. */
  const run = async (count: number): Promise<string> => {
    for (let index = 0; index < count; index++) {
      try {
        const { outcome } = await keeper.send(`a:${index % 20}`, "z".repeat(3_000));
        await outcome;
      } catch (error) {
        return (error as LanekeeperError).code;
      }
    }
    return "completed";
  };
  /** Sends what nobody runs, until one is refused. Answers why. */
  const fill = async (count: number): Promise<unknown> => {
    for (let index = 0; index < count; index++) {
      try {
        await keeper.send("b", "y".repeat(20_000));
      } catch (error) {
        return error;
      }
    }
    return undefined;
  };
  return { keeper, run, fill };
}

// Elsewhere the same is asked of a file that may not grow: below, and in durability/full-disk.
const disks = mayMount() ? [{ name: "a disk that is really full" }] : [];

describe.each(disks)("B57 $name", () => {
  it("refuses what has no room, keeps what was accepted, and all of that runs once when there is room", async () => {
    const disk = createDisk(16 * mebibyte);
    const store = sqliteStore(join(disk, "store.db"));
    const ran: string[] = [];
    const options = {
      lane: { cap: 10_000 },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      turn: ({ messages }: { readonly messages: readonly { readonly id: string }[] }): string => {
        ran.push(...messages.map(({ id }) => id));
        return "done";
      },
    };
    const keeper = await createLanekeeper<string, string>({ ...options, store });
    await keeper.pause();
    const giveBack = takeSpace(disk, mebibyte);
    const accepted: string[] = [];
    const send = async (id: string): Promise<unknown> =>
      keeper.send("a", "x".repeat(20_000), { id }).then(
        () => void accepted.push(id),
        (error: unknown) => error,
      );
    let refusal: unknown;
    for (let count = 0; refusal === undefined && count < 1_000; count++) refusal = await send(`m${count}`);
    expect(refusal).toMatchObject({ code: "STORE_UNAVAILABLE", details: { reason: "full" } });
    expect(accepted.length).toBeGreaterThan(3);
    expect(keeper.stats().health).toBe("degraded");
    giveBack();
    expect(await send("later")).toBeUndefined();
    expect(keeper.stats().health).toBe("ok");
    await keeper.resume();
    const last = await keeper.attach("a", "later");
    await last!.outcome;
    expect(ran).toEqual(accepted);
    await keeper.close();
    const next = await createLanekeeper<string, string>({ ...options, store });
    expect(next.stats()).toMatchObject({ waiting: 0 });
    await next.close();
    expect(ran).toEqual(accepted);
  });

  it("goes on for as long as it is asked to, once a little is free again, and leaves one file", async () => {
    const disk = createDisk(12 * mebibyte);
    const path = join(disk, "store.db");
    const { keeper, run, fill } = await createRunner(path);
    expect(await run(30)).toBe("completed");
    await keeper.pause();
    const giveBack = takeSpace(disk, 0);
    expect(await fill(1_000)).toMatchObject({ code: "STORE_UNAVAILABLE" });
    giveBack();
    takeSpace(disk, 2 * mebibyte);
    await keeper.resume();
    expect(await run(300)).toBe("completed");
    expect(keeper.stats().health).toBe("ok");
    await keeper.close();
    expect(sizeOf(`${path}-wal`)).toBe(0);
    const again = await createRunner(path);
    expect(await again.run(30)).toBe("completed");
    await again.keeper.close();
  });

  it("is not full while its log would find no room, but what the log holds has room in the file", async () => {
    const disk = createDisk(2 * mebibyte);
    const { keeper, run } = await createRunner(join(disk, "store.db"));
    expect(await run(300)).toBe("completed");
    expect(keeper.stats().health).toBe("ok");
    await keeper.close();
  });

  it("says how much is to be freed, and goes on and opens again with that", async () => {
    const disk = createDisk(24 * mebibyte);
    const path = join(disk, "store.db");
    const { keeper, run, fill } = await createRunner(path);
    await keeper.pause();
    await fill(300);
    let giveBack = takeSpace(disk, 0);
    expect(await fill(1_000)).toMatchObject({ code: "STORE_UNAVAILABLE", details: { reason: "full" } });
    // Too little: it goes into the log, and what is to be freed stays about the same.
    giveBack();
    giveBack = takeSpace(disk, mebibyte);
    const refusal = await fill(1_000);
    const toFree = Number(/free (\d+) MiB/.exec((refusal as Error).message)![1]) * mebibyte;
    expect(toFree).toBeLessThan(12 * mebibyte);
    giveBack();
    takeSpace(disk, toFree);
    await keeper.resume();
    expect(await run(300)).toBe("completed");
    await keeper.close();
    const again = await createRunner(path);
    expect(await again.run(30)).toBe("completed");
    await again.keeper.close();
  });

  it("has room at once for what it has put off, on a disk that had plenty until somebody filled it", async () => {
    const disk = createDisk(256 * mebibyte);
    const path = join(disk, "store.db");
    const { keeper, run, fill } = await createRunner(path);
    expect(await run(30)).toBe("completed");
    await keeper.pause();
    expect(await fill(10)).toBeUndefined();
    const giveBack = takeSpace(disk, 0);
    const refusal = await fill(1_000);
    expect(refusal).toMatchObject({ code: "STORE_UNAVAILABLE", details: { reason: "full" } });
    const toFree = Number(/free (\d+) MiB/.exec((refusal as Error).message)![1]) * mebibyte;
    giveBack();
    takeSpace(disk, toFree);
    await keeper.resume();
    expect(await run(300)).toBe("completed");
    expect(keeper.stats()).toMatchObject({ health: "ok", waiting: 0 });
    await keeper.close();
    expect(sizeOf(`${path}-wal`)).toBe(0);
  });

  it("leaves nothing of a backup that it has no room for, and has the next one whole", async () => {
    const disk = createDisk(2 * mebibyte);
    const folder = mkdtempSync(join(tmpdir(), "lanekeeper-kept-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const store = sqliteStore(join(folder, "store.db"));
    const keeper = await createLanekeeper({
      store,
      lane: { cap: 10_000 },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      turn: () => "done",
    });
    onTestFinished(() => keeper.close());
    await keeper.pause();
    for (let count = 0; count < 20; count++) await keeper.send("a", "x".repeat(20_000));
    const giveBack = takeSpace(disk, 8_192);
    const copy = join(disk, "copy.db");
    const refused = { code: "STORE_UNAVAILABLE", details: { reason: "full" } };
    await expect(store.backup(copy)).rejects.toMatchObject(refused);
    expect(readdirSync(disk)).toEqual(["ballast"]);
    giveBack();
    await store.backup(copy);
    expect(readdirSync(disk)).toEqual(["copy.db"]);
  });

  it("B55 loses nothing of a process that is killed on it, and again while it is still full", async () => {
    const disk = createDisk(mebibyte / 2);
    const logs = mkdtempSync(join(tmpdir(), "lanekeeper-logs-"));
    onTestFinished(() => rmSync(logs, { recursive: true }));
    const [path, log] = [join(disk, "store.db"), join(logs, "facts.jsonl")];
    let wasFull = false;
    const isFull = (): boolean => (wasFull ||= freeBytes(disk) < 8_192);
    await killWhen(isFull, 30_000, [...command, path, log, "first", "traffic"]);
    expect(isFull()).toBe(true);
    // Whether it opens, and is stuck, or is refused at once.
    await killWhen(() => false, 3_000, [...command, path, log, "second", "finish"]);
    resize(disk, 64 * mebibyte);
    await expectAllToRun(path, log);
  });

  it.each([0, 200])(
    "B55 loses nothing of a process that is killed when somebody has filled it, %i looks later",
    async (looks) => {
      const size = 256 * mebibyte;
      const disk = createDisk(size);
      const logs = mkdtempSync(join(tmpdir(), "lanekeeper-logs-"));
      onTestFinished(() => rmSync(logs, { recursive: true }));
      const [path, log] = [join(disk, "store.db"), join(logs, "facts.jsonl")];
      let left = looks;
      const isLong = (): boolean => {
        if (sizeOf(log) < 20_000) return false;
        // What is written meanwhile has to fit in.
        if (left === looks) resize(disk, size - freeBytes(disk) + 65_536);
        return left-- <= 0;
      };
      await killWhen(isLong, 30_000, [...command, path, log, "first", "traffic"]);
      expect(freeBytes(disk)).toBeLessThan(131_072);
      await killWhen(() => false, 1_000, [...command, path, log, "second", "finish"]);
      resize(disk, size);
      await expectAllToRun(path, log);
    },
  );
});

describe("B57 a file that the system lets grow no further, as on a full disk", () => {
  it("B55 loses nothing of a process that is killed then, and again while it still may not grow", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lanekeeper-limit-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [path, log] = [join(folder, "store.db"), join(folder, "facts.jsonl")];
    const limit = mebibyte / 2;
    const limited = withFilesUpTo(limit, command);
    let wasFull = false;
    // The log is given back as soon as it can be.
    const isFull = (): boolean => (wasFull ||= sizeOf(path) === limit || sizeOf(`${path}-wal`) === limit);
    // The first that is refused ends the process, unless it is killed before.
    await killWhen(isFull, 30_000, [...limited, path, log, "first", "traffic"]);
    expect(isFull()).toBe(true);
    await killWhen(() => false, 3_000, [...limited, path, log, "second", "finish"]);
    await expectAllToRun(path, log);
  });
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Lets a process finish where there is room; nothing of what was accepted is lost then. */
async function expectAllToRun(path: string, log: string): Promise<void> {
  expect(await runScript(script, { args: [path, log, "last", "finish"] })).toMatchObject({ exitCode: 0 });
  const facts = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as CrashFact);
  const report = checkCrashes(facts);
  expect(report.faults).toEqual([]);
  expect(report.accepted).toBeGreaterThan(20);
}

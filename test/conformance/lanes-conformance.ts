import { createLanekeeper, type Lanekeeper, type LaneSettings, type Outcome, type Turn } from "lanekeeper";
import { type ScriptedProcesses, scriptedProcesses, type Store } from "lanekeeper/ports";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { describe, expect, it, onTestFinished } from "vitest";

/** A keeper on a store under test. */
interface Scene {
  readonly keeper: Lanekeeper<string, string>;
  readonly clock: SimulatedClock;
  readonly processes: ScriptedProcesses;
}

/** A promise that a test settles. */
interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

const lane: LaneSettings = {
  stallAfterMs: 1_000,
  reclaimAfterMs: 3_000,
  abortGraceMs: 500,
  retry: { attempts: 3, baseMs: 100, maxMs: 1_000 },
  passivateAfterMs: 10_000,
};
const silent = { debug() {}, info() {}, warn() {}, error() {} };

function createGate(): Gate {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  return { opened, open };
}

function bodyOf(turn: Turn<string>): string {
  return turn.messages.map(({ body }) => body).join("+");
}

/** What a keeper does on any store, whether the store answers at once or later. */
export function describeLanes(name: string, createStore: () => Store): void {
  const openKeeper = async (
    turn: (turn: Turn<string>) => Promise<string> | string,
    options: { readonly turns?: number; readonly lane?: LaneSettings } = {},
  ): Promise<Scene> => {
    const clock = createSimulatedClock();
    const processes = scriptedProcesses();
    const keeper = await createLanekeeper<string, string>({
      turn,
      store: createStore(),
      capacity: { turns: options.turns ?? 4 },
      lane: { ...lane, ...options.lane },
      clock,
      processes,
      random: () => 0.5,
      logger: silent,
    });
    onTestFinished(async () => {
      const closed = keeper.close();
      await clock.advance(10_000);
      await closed;
    });
    return { keeper, clock, processes };
  };
  const sendAll = async (
    keeper: Lanekeeper<string, string>,
    sessionKey: string,
    bodies: readonly string[],
  ): Promise<readonly Promise<Outcome<string>>[]> => {
    const receipts = await Promise.all(bodies.map((body) => keeper.send(sessionKey, body)));
    return receipts.map(({ outcome }) => outcome);
  };

  describe(`lanes on a store: ${name}`, () => {
    it("run the messages of three sessions in order, one at a time each, also those that fail at first", async () => {
      const running = new Set<string>();
      const log: Record<string, string[]> = {};
      const overlaps: string[] = [];
      const { keeper, clock } = await openKeeper(
        async (turn) => {
          if (running.has(turn.sessionKey)) overlaps.push(turn.sessionKey);
          running.add(turn.sessionKey);
          const body = bodyOf(turn);
          (log[turn.sessionKey] ??= []).push(`${body}#${turn.attempt}`);
          await new Promise((resolve) => setImmediate(resolve));
          running.delete(turn.sessionKey);
          if (body === "2" && turn.attempt < 3) throw new Error("not yet");
          if (body === "4") throw new Error("never");
          return `${body} done`;
        },
        { turns: 2 },
      );
      const sessions = ["a", "b", "c"];
      const sent = await Promise.all(sessions.map((key) => sendAll(keeper, key, ["1", "2", "3", "4", "5"])));
      await clock.advance(60_000);
      for (const [index, key] of sessions.entries()) {
        const outcomes = await Promise.all(sent[index]!);
        expect(outcomes.map(({ status }) => status)).toEqual([
          "completed",
          "completed",
          "completed",
          "failed",
          "completed",
        ]);
        expect(outcomes[1]).toMatchObject({ reply: "2 done", attempts: 3 });
        expect(log[key]).toEqual(["1#1", "2#1", "2#2", "2#3", "3#1", "4#1", "4#2", "4#3", "5#1"]);
      }
      expect(overlaps).toEqual([]);
      expect(await keeper.deadLetters()).toHaveLength(3);
      expect(keeper.stats()).toMatchObject({ known: 3, running: 0, waiting: 0, completed: 12, zombies: 0 });
    });

    it("reclaim a turn that hangs, run what waits for its slot, and drop its late result", async () => {
      const gate = createGate();
      const { keeper, clock } = await openKeeper(
        async (turn) => {
          if (bodyOf(turn) === "hang") await gate.opened;
          return bodyOf(turn);
        },
        { turns: 1 },
      );
      const [hung, next] = await sendAll(keeper, "phantom", ["hang", "next"]);
      const [waiting] = await sendAll(keeper, "other", ["waiting"]);
      await clock.advance(3_400);
      expect(keeper.stats()).toMatchObject({ running: 1, completed: 0 });
      await clock.advance(200);
      expect(await hung).toMatchObject({ status: "reclaimed", reason: "stalled" });
      expect(await waiting).toMatchObject({ status: "completed", reply: "waiting" });
      expect(await next).toMatchObject({ status: "completed", reply: "next" });
      expect(keeper.stats()).toMatchObject({ reclaimed: 1, running: 0, zombies: 1 });
      gate.open();
      await clock.settle();
      expect(keeper.stats()).toMatchObject({ completed: 2, running: 0, zombies: 0 });
      expect(await keeper.mailbox("phantom")).toEqual([]);
    });

    it("abort the running turn alone", async () => {
      const { keeper, clock } = await openKeeper((turn) => {
        if (bodyOf(turn) !== "long") return bodyOf(turn);
        return new Promise((_, reject) =>
          turn.signal.addEventListener("abort", () => reject(turn.signal.reason)),
        );
      });
      const [long, next] = await sendAll(keeper, "s", ["long", "next"]);
      await clock.settle();
      expect(await keeper.abort("s")).toBe(true);
      expect(await long).toEqual({ status: "cancelled", reason: "aborted" });
      expect(await next).toMatchObject({ status: "completed" });
      expect(await keeper.abort("s")).toBe(false);
    });

    it("reset a session: its turn and its commands' completions go, what waits stays", async () => {
      const gate = createGate();
      const seen: string[] = [];
      const { keeper, clock, processes } = await openKeeper(async (turn) => {
        seen.push(bodyOf(turn), ...turn.events.map(({ kind }) => kind));
        if (bodyOf(turn) === "long") await gate.opened;
        return bodyOf(turn);
      });
      const [long, next] = await sendAll(keeper, "s", ["long", "next"]);
      await clock.settle();
      const before = keeper.session("s")!.incarnation;
      const early = await keeper.exec("s", "early");
      await keeper.exec("s", "late");
      processes.started[0]!.end(0);
      await early.done;
      const reset = keeper.reset("s", "from scratch");
      await clock.advance(600);
      await reset;
      expect(await long).toEqual({ status: "cancelled", reason: "reset" });
      expect(await next).toMatchObject({ status: "completed" });
      processes.started[1]!.end(0);
      await clock.settle();
      expect(seen).toEqual(["long", "next"]);
      expect(keeper.session("s")!.incarnation).toBeGreaterThan(before);
      const letters = await keeper.deadLetters({ sessionKey: "s" });
      expect(letters.map(({ reason }) => reason)).toEqual(["stale-incarnation", "stale-incarnation"]);
      gate.open();
    });

    it("bring a command's completion to the very next turn of its session, and to no other", async () => {
      const gate = createGate();
      const channel = "agent:main:discord:channel:1";
      const seen: [string, string, readonly string[]][] = [];
      const { keeper, clock, processes } = await openKeeper(async (turn) => {
        seen.push([turn.sessionKey, bodyOf(turn), turn.events.map(({ id }) => id)]);
        if (bodyOf(turn) === "start") await turn.exec("make", ["all"]);
        if (bodyOf(turn) === "busy") await gate.opened;
        return "ok";
      });
      await keeper.send(channel, "start");
      await clock.settle();
      const [busy, next] = await sendAll(keeper, channel, ["busy", "next"]);
      await clock.settle();
      const [command] = processes.started;
      command!.write("built");
      command!.end(0);
      await clock.settle();
      expect(seen.map(([, body]) => body)).toEqual(["start", "busy"]);
      await keeper.send("agent:main:main", "hello");
      gate.open();
      expect(await busy).toMatchObject({ status: "completed" });
      expect(await next).toMatchObject({ status: "completed" });
      await clock.settle();
      const ofChannel = seen.filter(([key]) => key === channel);
      expect(ofChannel.map(([, body, events]) => [body, events.length])).toEqual([
        ["start", 0],
        ["busy", 0],
        ["next", 1],
      ]);
      expect(seen.filter(([key]) => key !== channel)).toEqual([["agent:main:main", "hello", []]]);
    });

    it("run work of one id once, and give everybody its outcome", async () => {
      let runs = 0;
      const { keeper } = await openKeeper(() => `run ${++runs}`);
      const sent = await Promise.all([1, 2, 3].map(() => keeper.send("s", "hello", { id: "same" })));
      const replies = await Promise.all(sent.map((receipt) => receipt.reply()));
      const attached = await keeper.attach("s", "same");
      expect([...replies, await attached!.reply()]).toEqual(["run 1", "run 1", "run 1", "run 1"]);
    });

    it("refuse what is over the cap and clear what waits", async () => {
      const gate = createGate();
      const { keeper, clock } = await openKeeper(
        async (turn) => {
          await gate.opened;
          return bodyOf(turn);
        },
        { lane: { cap: 2 } },
      );
      const [first] = await sendAll(keeper, "s", ["1"]);
      await clock.settle();
      const waiting = await sendAll(keeper, "s", ["2", "3"]);
      await expect(keeper.send("s", "4")).rejects.toMatchObject({ code: "LANE_FULL" });
      expect(await keeper.clear("s")).toBe(2);
      expect(await Promise.all(waiting)).toEqual([
        { status: "cancelled", reason: "cleared" },
        { status: "cancelled", reason: "cleared" },
      ]);
      gate.open();
      expect(await first).toMatchObject({ status: "completed" });
    });

    it("sleep when idle and wake with the same incarnation and what was kept quiet", async () => {
      const seen: [string, readonly string[]][] = [];
      const { keeper, clock } = await openKeeper((turn) => {
        seen.push([turn.cause, turn.events.map(({ id }) => id)]);
        return "ok";
      });
      await keeper.send("s", "hello");
      await keeper.notify("s", { kind: "noted" }, { id: "quiet", wake: false });
      await clock.settle();
      const { incarnation } = keeper.session("s")!;
      await clock.advance(20_000);
      expect(keeper.session("s")).toBeUndefined();
      expect(keeper.stats()).toMatchObject({ known: 1, live: 0 });
      keeper.wake("s", { reason: "check" });
      await clock.advance(300);
      expect(keeper.session("s")).toMatchObject({ state: "idle", incarnation });
      expect(seen.map(([cause]) => cause)).toEqual(["message", "wake"]);
      expect(seen.flatMap(([, events]) => events)).toEqual(["quiet"]);
    });

    it("start nothing while paused, and go on in order", async () => {
      const seen: string[] = [];
      const { keeper, clock } = await openKeeper((turn) => {
        seen.push(`${turn.sessionKey} ${bodyOf(turn)}`);
        return "ok";
      });
      await keeper.pause("s");
      const [one, two] = await sendAll(keeper, "s", ["1", "2"]);
      const [free] = await sendAll(keeper, "free", ["1"]);
      await clock.advance(5_000);
      expect(await free).toMatchObject({ status: "completed" });
      expect(seen).toEqual(["free 1"]);
      await keeper.resume("s");
      await Promise.all([one, two]);
      expect(seen).toEqual(["free 1", "s 1", "s 2"]);
    });

    it("settle every promise at close", async () => {
      const { keeper, clock } = await openKeeper(async (turn) => {
        if (bodyOf(turn) === "fails") throw new Error("no");
        if (bodyOf(turn) === "hangs") await new Promise(() => {});
        return "ok";
      });
      const [hangs, waits] = await sendAll(keeper, "one", ["hangs", "waits"]);
      const [fails] = await sendAll(keeper, "two", ["fails"]);
      const command = await keeper.exec("three", "server");
      await clock.settle();
      const closed = keeper.close();
      await clock.advance(600);
      await closed;
      expect(await Promise.all([hangs, waits, fails])).toEqual([
        { status: "suspended" },
        { status: "suspended" },
        { status: "suspended" },
      ]);
      expect(await command.done).toMatchObject({ status: "killed" });
      expect(clock.nextTimerInMs()).toBeUndefined();
      await expect(keeper.send("one", "more")).rejects.toMatchObject({ code: "CLOSED" });
    });
  });
}

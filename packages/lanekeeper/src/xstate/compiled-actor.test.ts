import { describe, expect, it } from "vitest";
import {
  type Cast,
  createStage,
  full,
  invoke,
  type Running,
  say,
  type SendBack,
} from "../rules/chart-stage.ts";

function failing(on: string) {
  return (word: string) => {
    if (word === on) throw new Error(`${on} broke`);
  };
}

describe("an error", () => {
  it.each(["exit", "transition", "entry"])(
    "of an action on %s ends the actor, is told to its parent and leaves nothing running (I3)",
    async (place) => {
      const { chart, clock, run } = createStage();
      const machine = chart(
        {
          a: { ...full, exit: say("exit"), on: { go: { target: "c", actions: say("transition") } } },
          b: {},
          c: { entry: say("entry"), invoke: invoke("one"), after: { soon: { target: "b" } } },
        },
        { act: failing(place) },
      );
      const actor = run(machine);
      const places = ["exit", "transition", "entry"];
      expect(actor.send("go")).toEqual([...places.slice(0, places.indexOf(place) + 1), "-one", "-two"]);
      expect(actor.status()).toBe("error");
      expect(actor.told).toMatchObject([
        { type: "xstate.error.actor.child", error: new Error(`${place} broke`), actorId: "child" },
      ]);
      expect(clock.nextTimerInMs()).toBe(undefined);
      await clock.advance(100);
      expect(actor.told).toHaveLength(1);
    },
  );

  it("of a guard, a delay or an input ends the actor and leaves nothing running (I3)", () => {
    const broken = () => {
      throw new Error("broken");
    };
    const onward = { a: { ...full, on: { go: { target: "c" } } }, b: {} };
    const rows: readonly (readonly [object, Cast])[] = [
      [{ a: { ...full, on: { go: { target: "b", guard: "isOpen" } } }, b: {} }, { guard: broken }],
      [{ ...onward, c: { always: { guard: "isOpen", target: "b" } } }, { guard: broken }],
      [
        { a: { invoke: full.invoke, on: { go: { target: "c" } } }, c: { after: { soon: "a" } } },
        { delay: broken },
      ],
      [{ ...onward, c: { invoke: invoke("one", { input: broken }) } }, {}],
    ];
    for (const [states, cast] of rows) {
      const { chart, clock, run } = createStage();
      const actor = run(chart(states, cast));
      expect(actor.send("go")).toEqual(["-one", "-two"]);
      expect(actor.status()).toBe("error");
      expect(clock.nextTimerInMs()).toBe(undefined);
    }
  });

  it("of the first step is told when the actor is started", () => {
    const { chart, log, run } = createStage();
    const actor = run(chart({ a: { ...full, entry: say("entry") }, b: {} }, { act: failing("entry") }));
    expect(actor.told).toMatchObject([{ type: "xstate.error.actor.child", error: new Error("entry broke") }]);
    expect(log).toEqual(["entry"]);
  });

  it("of a callback goes to the state that has it", () => {
    const { chart, run } = createStage();
    const onError = { target: "b", actions: say("caught") };
    const machine = chart(
      { a: { on: { go: "c" } }, b: {}, c: { invoke: invoke("one", { onError }) } },
      {
        start: (_, name) => failing("one")(name),
      },
    );
    const actor = run(machine);
    expect(actor.send("go")).toEqual(["+one", "caught"]);
    expect(actor.value()).toBe("b");
  });

  it("of a callback that its state does not handle ends the actor, as any error of an actor would", () => {
    const { chart, run } = createStage();
    const actor = run(
      chart({ a: { on: { go: "b" } }, b: full }, { start: (_, name) => failing("two")(name) }),
    );
    expect(actor.send("go")).toEqual(["+one", "+two", "-one"]);
    expect(actor.told).toMatchObject([{ error: new Error("two broke") }]);
    const other = run(chart({ a: full, b: {} }));
    expect(other.send("xstate.error.actor.unknown")).toEqual(["-one", "-two"]);
    expect(other.status()).toBe("error");
  });

  it("of a cleanup keeps none of the others from running, and ends the actor whose state is left", () => {
    const { chart, clock, run } = createStage();
    const machine = () => chart({ a: { ...full, on: { go: "b" } }, b: full }, { cleanup: failing("one") });
    const left = run(machine());
    expect(left.send("go")).toEqual(["-one", "-two", "+one", "+two", "-one", "-two"]);
    expect(left.status()).toBe("error");
    const stopped = run(machine());
    expect(stopped.stop()).toEqual(["-one", "-two"]);
    expect(stopped.status()).toBe("stopped");
    expect(clock.nextTimerInMs()).toBe(undefined);
  });
});

describe("an actor that is over", () => {
  it("cleans up when it is stopped, and takes no step out of its states", () => {
    const { chart, clock, run } = createStage();
    const actor = run(chart({ a: { ...full, exit: say("exit") }, b: {} }, {}, { exit: say("exit") }));
    expect(actor.stop()).toEqual(["-one", "-two"]);
    expect(actor.status()).toBe("stopped");
    expect(clock.nextTimerInMs()).toBe(undefined);
  });

  it("cleans up when it is done, starts nothing more, and tells its parent", () => {
    const { chart, clock, run } = createStage();
    const machine = chart({
      a: { ...full, on: { go: "end" } },
      b: {},
      end: { type: "final", entry: say("end") },
    });
    const actor = run(machine);
    expect(actor.send("go")).toEqual(["end", "-one", "-two"]);
    expect(actor.status()).toBe("done");
    expect(actor.told).toMatchObject([{ type: "xstate.done.actor.child", actorId: "child" }]);
    expect(clock.nextTimerInMs()).toBe(undefined);
  });

  it("hears nothing of what its callbacks still say", () => {
    const { chart, drain, run } = createStage();
    const answers: SendBack[] = [];
    const actor = run(
      chart(
        { a: { ...full, on: { late: { actions: say("late") } } }, b: {} },
        { start: (sendBack) => answers.push(sendBack) },
      ),
    );
    actor.stop();
    for (const sendBack of answers) sendBack({ type: "late" });
    drain();
    expect(actor.send()).toEqual([]);
    expect(actor.told).toEqual([]);
  });

  it("is cleaned up whole when the cleanup of another one of its kind stops it", () => {
    const { chart, compile, run } = createStage();
    const others: Running[] = [];
    const cleanup = (name: string) => (name === "one" ? others.pop()?.stop() : undefined);
    const machine = chart({ a: { ...full, on: { go: "b" } }, b: { invoke: invoke("two") } }, { cleanup });
    const logic = compile(machine);
    const other = run(machine, logic);
    const actor = run(machine, logic);
    others.push(other);
    expect(actor.send("go")).toEqual(["-one", "-one", "-two", "-two", "+two"]);
    expect([other.status(), actor.status(), actor.value()]).toEqual(["stopped", "active", "b"]);
    expect(actor.stop()).toEqual(["-two"]);
  });
});

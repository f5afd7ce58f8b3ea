import { describe, expect, it } from "vitest";
import { createActor } from "xstate";
import { createStage, full, invoke, say, type SendBack } from "../rules/chart-stage.ts";
import { compileLogic, EventlessLoopError } from "./compiled-logic.ts";

describe("what a state has running", () => {
  it("does not answer once the state is left, also not into the same state entered again (I2)", () => {
    const { chart, drain, run } = createStage();
    const answers: SendBack[] = [];
    const actor = run(
      chart(
        {
          a: {
            invoke: invoke("one"),
            on: { again: { target: "a", reenter: true }, answer: { actions: say("heard") } },
          },
        },
        {
          start: (sendBack) => answers.push(sendBack),
        },
      ),
    );
    expect(actor.send("again")).toEqual(["-one", "+one"]);
    answers[0]?.({ type: "answer" });
    drain();
    expect(actor.send()).toEqual([]);
    answers[1]?.({ type: "answer" });
    answers[1]?.({ type: "again" });
    answers[1]?.({ type: "answer" });
    drain();
    expect(actor.send()).toEqual([]);
  });

  it("answers through the queue, after the step in which it began (I2)", () => {
    const { chart, run } = createStage();
    const machine = chart(
      {
        a: { on: { go: { target: "b", actions: say("go") } } },
        b: {
          initial: "c",
          invoke: invoke("one"),
          on: { answer: "a" },
          states: { c: { entry: say("inner") } },
        },
      },
      { start: (sendBack) => sendBack({ type: "answer" }) },
    );
    const actor = run(machine);
    expect(actor.send("go")).toEqual(["go", "inner", "+one", "-one"]);
    expect(actor.value()).toBe("a");
  });

  it("of two timers due at once the second is not heard when the first leaves the state (I2)", async () => {
    const { chart, clock, log, run } = createStage();
    run(
      chart({
        a: {
          after: { soon: { target: "b", actions: say("first") } },
          initial: "c",
          states: { c: { after: { 10: { target: "#chart.b", actions: say("second") } } } },
        },
        b: {},
      }),
    );
    await clock.advance(10);
    expect(log).toEqual(["first"]);
  });

  it("ends and begins after the actions of the step", () => {
    const { chart, run } = createStage();
    const actor = run(
      chart({
        a: { ...full, exit: say("exit"), on: { go: { target: "b", actions: say("go") } } },
        b: { ...full, entry: say("entry") },
      }),
    );
    expect(actor.send("go")).toEqual(["exit", "go", "entry", "-one", "-two", "+one", "+two"]);
  });

  it("never begins in a state that is passed through", () => {
    const { chart, clock, run } = createStage();
    const actor = run(chart({ a: { on: { go: "b" } }, b: { ...full, always: "c" }, c: {} }));
    expect(actor.send("go")).toEqual([]);
    expect(actor.value()).toBe("c");
    expect(clock.nextTimerInMs()).toBe(undefined);
  });

  it("begins anew where eventless steps lead back to the state", () => {
    const { chart, run } = createStage();
    let isOpen = false;
    const guard = () => {
      const answer = isOpen;
      isOpen = false;
      return answer;
    };
    const actor = run(
      chart(
        {
          a: { ...full, on: { look: { actions: say("look") } }, always: { guard: "isOpen", target: "b" } },
          b: { always: "a" },
        },
        { guard },
      ),
    );
    isOpen = true;
    expect(actor.send("look")).toEqual(["look", "-one", "-two", "+one", "+two"]);
  });

  it("begins when the actor is started, not when it is created", () => {
    const { chart, clock, log } = createStage();
    const machine = chart({ a: { ...full, entry: say("entry") }, b: {} });
    const logic = compileLogic(machine, {
      post: (task, a, b) => task(a, b),
      arm: (delayMs, task, a) => ({
        cancel: clock.clearTimeout.bind(
          clock,
          clock.setTimeout(() => task(a), delayMs),
        ),
      }),
    });
    const actor = createActor(logic, { input: undefined });
    expect([log, clock.nextTimerInMs()]).toEqual([["entry"], undefined]);
    actor.start();
    expect([log, clock.nextTimerInMs()]).toEqual([["entry", "+one", "+two"], 10]);
    actor.stop();
    expect(log.slice(3)).toEqual(["-one", "-two"]);
  });
});

describe("eventless steps", () => {
  it("that never come to rest end the actor (I3)", () => {
    const { chart, run } = createStage();
    const actor = run(chart({ a: { ...full, on: { go: "b" } }, b: { always: "c" }, c: { always: "b" } }));
    expect(actor.send("go")).toEqual(["-one", "-two"]);
    const [{ error } = { error: undefined }] = actor.told;
    expect(error).toBeInstanceOf(EventlessLoopError);
    expect((error as Error).message).toMatch(/chart.* [bc]\.$/);
  });

  it("may be many", () => {
    const { chart, run } = createStage();
    const many = Array.from({ length: 99 }, (_, index) => [`s${index}`, { always: `s${index + 1}` }]);
    const actor = run(chart({ a: { on: { go: "s0" } }, ...Object.fromEntries(many), s99: {} }));
    actor.send("go");
    expect(actor.value()).toBe("s99");
  });
});

describe("an event", () => {
  it("that nothing understands changes nothing", () => {
    const { chart, run } = createStage();
    const actor = run(chart({ a: { on: { go: { target: "b", guard: "isClosed" } } }, b: {} }));
    const before = actor.context();
    expect(actor.send("go", "nobody.knows")).toEqual([]);
    expect([actor.value(), actor.status()]).toEqual(["a", "active"]);
    expect(actor.context()).toBe(before);
  });

  it("is taken by the innermost state, there by name before the longest match, and by the next where a guard closes", () => {
    const { chart, run } = createStage();
    const on = (place: string, ...descriptors: readonly string[]) => ({
      on: Object.fromEntries(
        descriptors.map((descriptor) => [descriptor, { actions: say(`${place} ${descriptor}`) }]),
      ),
    });
    const inner = on("inner", "error.*", "error.actor.*", "error.actor.chat");
    const closed = { "error.actor.x": { guard: "isClosed", actions: say("closed") } };
    const actor = run(
      chart({
        a: {
          initial: "in",
          ...on("outer", "error.actor.y", "*"),
          states: { in: { on: { ...closed, ...inner.on } } },
        },
      }),
    );
    const types = [
      "error.actor.chat",
      "error.actor.y",
      "error.actor",
      "error.other",
      "error",
      "error.actor.x",
      "errors",
      "b",
    ];
    expect(actor.send(...types)).toEqual([
      "inner error.actor.chat",
      "inner error.actor.*",
      "inner error.actor.*",
      "inner error.*",
      "inner error.*",
      "inner error.actor.*",
      "outer *",
      "outer *",
    ]);
  });
});

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createActor } from "xstate";
import { explore, stateOf } from "../reachability.ts";
import { type SupervisorEvent, supervisorMachine } from "./supervisor.machine.ts";

const drain: SupervisorEvent = { type: "keeper.drain" };
const close: SupervisorEvent = { type: "keeper.close" };
const emptied: SupervisorEvent = { type: "keeper.emptied" };
const ended: SupervisorEvent = { type: "execution.ended", execId: "exec-1" };
const turns = (count: number): SupervisorEvent => ({ type: "turns.changed", turns: count });
const crashed = lane("error", "chat");
const asleep = lane("done", "chat");
const events = [drain, close, emptied, ended, turns(0), turns(2), crashed, asleep];

/** What XState tells a parent of a child that ended; the child's id is part of the type. */
function lane(how: "error" | "done", sessionKey: string): SupervisorEvent {
  const type = `xstate.${how}.actor.${sessionKey}`;
  return { type, actorId: sessionKey, error: `${sessionKey} broke` } as unknown as SupervisorEvent;
}

/** A supervisor whose effects only say what they were asked. */
function startSupervisor() {
  const log: string[] = [];
  const say = (word: string) => () => void log.push(word);
  const machine = supervisorMachine.provide({
    actions: {
      routeCompletion: (_, { execId }) => void log.push(`route ${execId}`),
      rebuildLane: (_, { actorId, error }) => void log.push(`rebuild ${actorId}: ${String(error)}`),
      dropLane: (_, { actorId }) => void log.push(`drop ${actorId}`),
      holdDispatch: say("hold"),
      tellDrained: say("drained"),
      closeLanes: say("close lanes"),
      stopLanes: say("stop lanes"),
    },
  });
  const actor = createActor(machine).start();
  return {
    context: () => actor.getSnapshot().context,
    status: () => actor.getSnapshot().status,
    state: () => stateOf(actor.getSnapshot()),
    /** Sends events; says the state and the effects that follow. */
    tell: (...told: readonly SupervisorEvent[]): readonly [state: string, ...log: string[]] => {
      log.length = 0;
      for (const event of told) actor.send(event);
      return [stateOf(actor.getSnapshot()), ...log];
    },
  };
}

const ways: Record<string, readonly SupervisorEvent[]> = {
  serving: [],
  "draining.waiting": [turns(2), drain],
  "draining.drained": [drain],
  closing: [close],
};

describe("the supervisor's chart", () => {
  it("has every state reached and left again", () => {
    const found = explore(supervisorMachine, { events, distinguish: (context) => context.turns });
    expect(found).toEqual({
      reached: ["serving", "draining.waiting", "draining.drained", "closing", "closed"],
      unreached: [],
      trapped: [],
      unfed: [],
    });
  });

  it("never serves again once it drains or closes (B58)", () => {
    const order = ["serving", "draining.waiting", "draining.drained", "closing", "closed"];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (steps) => {
        const supervisor = startSupervisor();
        let before = 0;
        for (const event of steps) {
          if (supervisor.status() !== "active") return;
          supervisor.tell(event);
          const after = order.indexOf(supervisor.state());
          expect(after).toBeGreaterThanOrEqual(before);
          before = after;
        }
      }),
    );
  });
});

describe.each(Object.entries(ways))("a supervisor in %s", (state, way) => {
  const start = () => {
    const supervisor = startSupervisor();
    supervisor.tell(...way);
    return supervisor;
  };

  it("routes each completion to whoever started the command (B34)", () => {
    expect(start().tell(ended, { ...ended, execId: "exec-2" })).toEqual([
      state,
      "route exec-1",
      "route exec-2",
    ]);
  });

  it("counts a crashed lane, has it rebuilt and stays what it is", () => {
    const supervisor = start();
    const { crashes } = supervisor.context();
    expect(supervisor.tell(crashed, lane("error", "a.b.c"))).toEqual([
      state,
      "rebuild chat: chat broke",
      "rebuild a.b.c: a.b.c broke",
    ]);
    expect(supervisor.context().crashes).toBe(crashes + 2);
  });

  it("drops a lane that fell asleep and counts no crash (B11)", () => {
    const supervisor = start();
    expect(supervisor.tell(asleep)).toEqual([state, "drop chat"]);
    expect(supervisor.context().crashes).toBe(0);
  });

  it("knows how many turns run", () => {
    const supervisor = start();
    supervisor.tell(turns(3));
    expect(supervisor.context().turns).toBe(3);
  });
});

describe("a supervisor that drains", () => {
  it("starts nothing more and is drained when no turn runs (B58)", () => {
    const supervisor = startSupervisor();
    supervisor.tell(turns(2));
    expect(supervisor.tell(drain)).toEqual(["draining.waiting", "hold"]);
    expect(supervisor.tell(turns(1))).toEqual(["draining.waiting"]);
    expect(supervisor.tell(turns(0))).toEqual(["draining.drained", "drained"]);
  });

  it("is drained at once where no turn runs", () => {
    expect(startSupervisor().tell(drain)).toEqual(["draining.drained", "hold", "drained"]);
  });

  it("says so once, and drains once", () => {
    const supervisor = startSupervisor();
    supervisor.tell(drain);
    expect(supervisor.tell(turns(0), drain)).toEqual(["draining.drained"]);
  });

  it("closes whether or not it is drained, and holds what it held", () => {
    for (const way of [[drain], [turns(1), drain]]) {
      const supervisor = startSupervisor();
      supervisor.tell(...way);
      expect(supervisor.tell(close)).toEqual(["closing", "close lanes"]);
    }
  });
});

describe("a supervisor that closes", () => {
  it("starts nothing more, tells its lanes, and stops them once nothing is left (B58)", () => {
    const supervisor = startSupervisor();
    expect(supervisor.tell(close)).toEqual(["closing", "hold", "close lanes"]);
    expect(supervisor.tell(close, drain)).toEqual(["closing"]);
    expect(supervisor.tell(emptied)).toEqual(["closed", "stop lanes"]);
    expect(supervisor.status()).toBe("done");
  });

  it("is not over before it was asked to close", () => {
    expect(startSupervisor().tell(emptied)).toEqual(["serving"]);
    expect(startSupervisor().tell(drain, emptied)[0]).toBe("draining.drained");
  });
});

import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { describe, expect, it } from "vitest";
import type { Connection, RedisConnection } from "./redis-connection.ts";
import { createReleaseWatch } from "./release-watch.ts";

/** A client whose subscriptions are confirmed when the test says so. */
function fakeClient(): {
  readonly client: RedisConnection;
  readonly channels: Map<string, (origin: string) => void>;
  confirm(): Promise<void>;
} {
  const channels = new Map<string, (origin: string) => void>();
  const pending: (() => void)[] = [];
  const nothing = async (): Promise<void> => {};
  return {
    channels,
    client: {
      connect: nothing,
      sendCommand: nothing,
      on: () => {},
      destroy: () => {},
      subscribe: (channel, listener) => {
        channels.set(channel, listener);
        return new Promise((resolve) => pending.push(resolve));
      },
      unsubscribe: async (channel) => {
        channels.delete(channel);
      },
    },
    async confirm() {
      for (const resolve of pending.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function open(random = () => 0.5) {
  const clock = createSimulatedClock();
  const server = fakeClient();
  let isUp = true;
  let asked = 0;
  const ask: Connection["ask"] = async (_step, run) => {
    asked++;
    if (isUp) return run(server.client);
    watch.lost();
    throw new Error("down");
  };
  const watch = createReleaseWatch({ clock, random, origin: "here", ask, channelOf: (name) => `c:${name}` });
  return {
    clock,
    server,
    watch,
    asked: () => asked,
    setUp(value: boolean) {
      isUp = value;
    },
  };
}

describe("an ear", () => {
  it("hears what others released, not what these leases did, and nothing once it is turned away", async () => {
    const { watch, server } = open();
    let told = 0;
    const stop = watch.watch("lock", () => told++);
    await server.confirm();
    const message = server.channels.get("c:lock")!;
    message("elsewhere");
    message("here");
    expect(told).toBe(1);
    watch.released("lock");
    expect(told).toBe(2);
    stop();
    message("elsewhere");
    expect(told).toBe(2);
    expect(server.channels.size).toBe(0);
  });

  it("is told when it begins to hear, if it was refused meanwhile; not if it was refused later", async () => {
    const { watch, server } = open();
    const told: string[] = [];
    watch.watch("refused", () => told.push("refused"));
    watch.watch("not asked", () => told.push("not asked"));
    watch.refused("refused");
    await server.confirm();
    expect(told).toEqual(["refused"]);
    watch.refused("not asked");
    await server.confirm();
    expect(told).toEqual(["refused"]);
  });

  it("leaves nothing at the server that was turned away before it heard", async () => {
    const { watch, server } = open();
    const stop = watch.watch("lock", () => {});
    stop();
    await server.confirm();
    expect(server.channels.size).toBe(0);
  });
});

describe("a connection that breaks under a watcher", () => {
  it("is opened again after delays that grow to two seconds, half as long or half longer by chance", async () => {
    for (const [random, factor] of [
      [0, 0.5],
      [1, 1.5],
    ] as const) {
      const { clock, watch, asked, setUp, server } = open(() => random);
      watch.watch("lock", () => {});
      await server.confirm();
      setUp(false);
      watch.lost();
      for (const delayMs of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]) {
        const before = asked();
        await clock.advance(delayMs * factor - 1);
        expect(asked()).toBe(before);
        await clock.advance(1);
        expect(asked()).toBe(before + 1);
      }
    }
  });

  it("is not opened again for nobody, nor after the end", async () => {
    const unwatched = open();
    unwatched.watch.lost();
    expect(unwatched.clock.nextTimerInMs()).toBeUndefined();
    const closed = open();
    closed.watch.watch("lock", () => {});
    closed.watch.lost();
    closed.watch.close();
    expect(closed.clock.nextTimerInMs()).toBeUndefined();
  });

  it("tells every ear once, when it hears again", async () => {
    const { watch, server } = open();
    const told: string[] = [];
    watch.watch("a", () => told.push("a"));
    watch.watch("b", () => told.push("b"));
    await server.confirm();
    watch.lost();
    const next = fakeClient();
    watch.opened(next.client);
    expect(told).toEqual([]);
    await next.confirm();
    expect(told).toEqual(["a", "b"]);
    watch.close();
  });
});

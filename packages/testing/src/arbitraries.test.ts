import { assert, asyncProperty } from "fast-check";
import { createLanekeeper } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it } from "vitest";
import {
  anyBody,
  anyExecOptions,
  anyHeartbeat,
  anyLaneSettings,
  anyLockOptions,
  anySendOptions,
  anySessionKey,
} from "./arbitraries.ts";
import { scriptedProcesses } from "lanekeeper/ports";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

it("makes nothing that a keeper refuses as invalid", async () => {
  await assert(
    asyncProperty(
      anyLaneSettings,
      anyHeartbeat("x"),
      anySessionKey,
      anyBody,
      anySendOptions,
      anyExecOptions,
      anyLockOptions,
      async (lane, heartbeat, sessionKey, body, options, exec, lock) => {
        const clock = createSimulatedClock();
        const keeper = await createLanekeeper({
          clock,
          lane,
          heartbeats: [heartbeat],
          processes: scriptedProcesses(),
          logger: silent,
          turn: () => "done",
        });
        const receipt = await keeper.send(sessionKey, body, options);
        expect(receipt.sessionKey).toBe(sessionKey);
        await keeper.exec(sessionKey, "command", [], exec);
        await (await keeper.locks.acquire("name", lock)).release();
        const closed = keeper.close();
        await clock.advance(60_000);
        await closed;
      },
    ),
    { numRuns: 200, seed: 1 },
  );
});

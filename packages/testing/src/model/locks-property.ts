import * as fc from "fast-check";
import { lockCommandKinds } from "./lock-commands.ts";
import { LockModel } from "./lock-model.ts";
import { createLockWorld } from "./lock-world.ts";
import { assertPropertyOptions } from "./property-options.ts";

/** How locks are compared with the rules. */
export interface LocksPropertyOptions {
  /** Commands of one run at most, 1 or more. Default 30. */
  readonly maxCommands?: number | undefined;
  /** Runs one failure again, with the `seed` and `path` of it: what fast-check printed as `replayPath` behind its commands. */
  readonly replayPath?: string | undefined;
}

/**
 * Two processes that share locks on one lease store do what the rules say, whatever is asked of them, and whatever the store
 * does. For `fc.assert` and `fc.check`. Throws `INVALID_OPTION`.
 */
export function locksProperty(
  options: LocksPropertyOptions = {},
): fc.IAsyncPropertyWithHooks<[commands: Iterable<unknown>]> {
  assertPropertyOptions("locksProperty", options);
  const { maxCommands = 30, replayPath } = options;
  const commands = fc.commands([...lockCommandKinds], {
    maxCommands,
    size: "max",
    ...(replayPath === undefined ? {} : { replayPath }),
  });
  return fc.asyncProperty(commands, async (run) => {
    const real = await createLockWorld();
    try {
      await fc.asyncModelRun(() => ({ model: new LockModel(), real }), run);
    } finally {
      await real.close();
    }
  });
}

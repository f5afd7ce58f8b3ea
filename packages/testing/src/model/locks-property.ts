import * as fc from "fast-check";
import { lockCommandKinds } from "./lock-commands.ts";
import { LockModel } from "./lock-model.ts";
import { createLockWorld } from "./lock-world.ts";

/**
 * Two processes that share locks on one lease store do what the rules say, whatever is asked of them, and whatever the store
 * does. For `fc.assert` and `fc.check`. Runs of at most `maxCommands` commands, by default 30.
 */
export function locksProperty(
  options: { readonly maxCommands?: number | undefined } = {},
): fc.IAsyncPropertyWithHooks<[commands: Iterable<unknown>]> {
  const { maxCommands = 30 } = options;
  const commands = fc.commands([...lockCommandKinds], { maxCommands, size: "max" });
  return fc.asyncProperty(commands, async (run) => {
    const real = await createLockWorld();
    try {
      await fc.asyncModelRun(() => ({ model: new LockModel(), real }), run);
    } finally {
      await real.close();
    }
  });
}

import * as fc from "fast-check";
import { memoryStore, type Store } from "lanekeeper";
import { invalidOption } from "lanekeeper/ports";
import { modelCommandKinds } from "./model-commands.ts";
import { modelSettings, optionsOf } from "./model-setup.ts";
import { createModelWorld } from "./model-world.ts";
import { assertPropertyOptions } from "./property-options.ts";
import { ReferenceModel } from "./reference-model.ts";

/** What of a keeper is compared with the rules. */
export interface KeeperPropertyOptions {
  /** Makes an empty store for each run. Default `memoryStore`. */
  readonly createStore?: (() => Store) | undefined;
  /** Commands of one run at most, 1 or more. Default 40. */
  readonly maxCommands?: number | undefined;
  /** Runs one failure again, with the `seed` and `path` of it: what fast-check printed as `replayPath` behind its commands. */
  readonly replayPath?: string | undefined;
}

/**
 * A keeper does what the reference model says, whatever is asked of it: settings of a lane, then commands in any order,
 * crashes and restarts among them. For `fc.assert` and `fc.check`, which shrink what fails to a few commands.
 * Throws `INVALID_OPTION`.
 */
export function keeperProperty(
  options: KeeperPropertyOptions = {},
): fc.IAsyncPropertyWithHooks<[settings: unknown, commands: Iterable<unknown>]> {
  assertPropertyOptions("keeperProperty", options, ["createStore"]);
  const { createStore = memoryStore, maxCommands = 40, replayPath } = options;
  if (typeof createStore !== "function")
    throw invalidOption("createStore", createStore, "a function that makes an empty store");
  const commands = fc.commands([...modelCommandKinds], {
    maxCommands,
    size: "max",
    ...(replayPath === undefined ? {} : { replayPath }),
  });
  return fc.asyncProperty(modelSettings, commands, async (settings, run) => {
    const real = await createModelWorld(optionsOf(settings), createStore());
    try {
      await fc.asyncModelRun(() => ({ model: new ReferenceModel(settings), real }), run);
    } finally {
      await real.close();
    }
  });
}

import type * as fc from "fast-check";
import { keeperCommands } from "./keeper-commands.ts";
import type { ModelCommand } from "./model-command.ts";
import { turnCommands } from "./turn-commands.ts";
import { workCommands } from "./work-commands.ts";

/** Every kind of command, as `fc.commands` takes them. */
export const modelCommandKinds: readonly fc.Arbitrary<ModelCommand>[] = [
  ...workCommands,
  ...turnCommands,
  ...keeperCommands,
];

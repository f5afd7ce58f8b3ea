import type { Clock, Turn } from "lanekeeper";
import { DeliberateCrash } from "./errors.ts";
import type { QuickCommand } from "./quick-command.ts";
import type { ReplayLedger, TurnEntry } from "./replay-ledger.ts";
import type { RunningCommands } from "./running-commands.ts";
import { sleep } from "./sleep.ts";
import type { TraceTime } from "./trace-time.ts";
import type { TurnPlan } from "./turn-plan.ts";

/** What the replay's client sends: a request of the trace, without its time and session. */
export interface ReplayMessage {
  /** Its place in the trace, from 0. */
  readonly index: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the agent needs of its surroundings. */
export interface ReplayAgentOptions {
  readonly clock: Clock;
  readonly time: Pick<TraceTime, "ms">;
  /** Turns begin once this resolves. */
  readonly ready: Promise<void>;
  /** By the message's place in the trace. */
  readonly plans: readonly TurnPlan[];
  readonly ledger: Pick<ReplayLedger, "begin" | "launching" | "launch" | "launchFailed">;
  readonly commands: Pick<RunningCommands, "start">;
  readonly quickCommand: QuickCommand;
  /** How often a working turn says that it is alive. */
  readonly progressEveryMs: number;
}

/** Trace time a turn takes for each token of its output. */
const msPerOutputToken = 15;

/** How long a turn takes that only reads completions. */
const readingMs = 1_500;

/**
 * The turn function of a replay: takes the time its message's output takes, does what the message's plan says, and
 * writes everything into the ledger. A turn that hangs never settles and ignores its signal; any other stops at an abort.
 * It answers with the id of its message.
 */
export function createReplayAgent(
  options: ReplayAgentOptions,
): (turn: Turn<ReplayMessage>) => Promise<string> {
  return async (turn) => {
    await options.ready;
    const entry = options.ledger.begin(turn, options.time.ms());
    try {
      const reply = await takeTurn(turn, entry, options);
      turn.assertCurrent();
      entry.answer();
      return reply;
    } catch (error) {
      entry.crash();
      throw error;
    }
  };
}

async function takeTurn(
  turn: Turn<ReplayMessage>,
  entry: TurnEntry,
  options: ReplayAgentOptions,
): Promise<string> {
  const [message] = turn.messages;
  if (message === undefined) {
    await work(turn, entry, readingMs, options);
    return turn.id;
  }
  const plan = options.plans[message.body.index];
  if (plan?.startsCommand === true) await startCommand(turn, message.id, options);
  const ending = plan?.endings[turn.attempt - 1] ?? "answers";
  const lengthMs = message.body.outputTokens * msPerOutputToken;
  await work(turn, entry, ending === "answers" ? lengthMs : lengthMs / 2, options);
  if (ending === "crashes") throw new DeliberateCrash(message.id);
  if (ending === "hangs") await new Promise<never>(() => undefined);
  return message.id;
}

async function startCommand(
  turn: Turn<ReplayMessage>,
  messageId: string,
  options: ReplayAgentOptions,
): Promise<void> {
  const { ledger, quickCommand } = options;
  const { command, args } = quickCommand;
  ledger.launching(turn.sessionKey);
  try {
    const execution = await options.commands.start(() => turn.exec(command, args(messageId)));
    ledger.launch(execution.execId, turn.sessionKey);
  } catch (error) {
    ledger.launchFailed(turn.sessionKey);
    throw error;
  }
}

async function work(
  turn: Turn<ReplayMessage>,
  entry: TurnEntry,
  durationMs: number,
  options: ReplayAgentOptions,
): Promise<void> {
  for (let restMs = durationMs; restMs > 0; restMs -= options.progressEveryMs) {
    await sleep(options.clock, Math.min(restMs, options.progressEveryMs), turn.signal);
    entry.check();
    turn.progress();
  }
}

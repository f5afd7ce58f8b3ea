import type { Lock, LockOptions, SendOptions } from "lanekeeper";
import type { Command, CommandKind, CommandOf } from "./command.ts";
import type { KeeperProcess } from "./keeper-process.ts";
import type { Life } from "./life.ts";
import { keeperOfAgent } from "./setup.ts";
import type { World } from "./world.ts";

/** True milliseconds in which a sleep may hide behind a step of the clock that nobody has looked at (B49). */
const lookMs = 5_000;

/** Does to a world what a command says. What nobody is there to do is left out. */
export function perform(world: World, command: Command): void {
  (performers[command.do] as (world: World, command: Command) => void)(world, command);
}

type Performer<Kind extends CommandKind> = (world: World, command: CommandOf<Kind>) => void;

/** What is done to a session is done by the life of its keeper, if there is one. */
function toSession<Kind extends CommandKind>(
  act: (life: Life, command: CommandOf<Kind> & { readonly session: string }) => unknown,
): Performer<Kind> {
  return (world, command) => {
    const meant = command as CommandOf<Kind> & { readonly session: string };
    world.processOf(meant.session).whileServing((life) => act(life, meant));
  };
}

function toKeeper<Kind extends CommandKind>(
  act: (life: Life, command: CommandOf<Kind>, process: KeeperProcess) => unknown,
): Performer<Kind> {
  return (world, command) => {
    const process = world.processes[(command as { readonly keeper: number }).keeper];
    process?.whileServing((life) => act(life, command, process));
  };
}

/** What happens to a process happens whether it runs or not. */
function toMachine<Kind extends CommandKind>(
  act: (life: Life, command: CommandOf<Kind>, world: World, process: KeeperProcess) => void,
): Performer<Kind> {
  return (world, command) => {
    const process = world.processes[(command as { readonly keeper: number }).keeper];
    if (process?.life === undefined) return;
    world.note(process.life.name, JSON.stringify(command));
    act(process.life, command, world, process);
  };
}

const performers: { readonly [Kind in CommandKind]: Performer<Kind> } = {
  send: toSession(sendMessage),
  notify(world, command) {
    if (command.wake === false) world.quiet.add(`${command.session} ${command.id}`);
    toSession<"notify">(notify)(world, command);
  },
  wake: toSession((life, { session, reason, priority, coalesceMs }) =>
    life.call("wake", () => life.keeper.wake(session, { reason, priority, coalesceMs })),
  ),
  exec: toSession((life, { session, name, timeoutMs, notify: which }) =>
    life.call("exec", () => life.keeper.exec(session, "run", [name], { timeoutMs, notify: which })),
  ),
  expectExec: toSession((life, { session, execId, timeoutMs }) =>
    life.call("expectExec", () => life.keeper.expectExec(session, execId, { timeoutMs })),
  ),
  reportExec: toSession((life, { session: sessionKey, execId, exitCode }) =>
    life.insist("reportExec", () => life.keeper.reportExec({ execId, sessionKey, exitCode })),
  ),
  cancel: toSession((life, { session, id }) => {
    const receipt = life.receipts.get(`${session} ${id}`);
    return receipt === undefined ? undefined : life.call("cancel", () => receipt.cancel("changed my mind"));
  }),
  attach: toSession(async (life, { session, id }) =>
    life.follow(await life.call("attach", () => life.keeper.attach(session, id))),
  ),
  abort: toSession((life, { session }) => life.call("abort", () => life.keeper.abort(session, "by hand"))),
  reset: toSession((life, { session }) => life.call("reset", () => life.keeper.reset(session))),
  forget: toSession((life, { session }) => life.call("forget", () => life.keeper.forget(session))),
  pause: toSession((life, { session }) => life.call("pause", () => life.keeper.pause(session))),
  resume: toSession((life, { session }) => life.call("resume", () => life.keeper.resume(session))),
  clear: toSession((life, { session, events }) =>
    life.call("clear", () => life.keeper.clear(session, { events })),
  ),
  redrive: toSession(async (life, { session }) => {
    const id = await newestLetter(life, session);
    if (id !== undefined) life.follow(await life.call("redrive", () => life.keeper.redrive(id)));
  }),
  discard: toSession(async (life, { session }) => {
    const id = await newestLetter(life, session);
    if (id !== undefined) await life.call("discard", () => life.keeper.discard(id));
  }),
  heartbeat(world, { agent, what }) {
    if (!world.setup.heartbeats.some((heartbeat) => heartbeat.agent === agent)) return;
    world.processes[keeperOfAgent(world.setup, agent)]!.whileServing((life) =>
      life.call(`heartbeat.${what}`, (): Promise<unknown> => life.keeper.heartbeat(agent)[what]()),
    );
  },
  acquire: toKeeper((life, command) => takeLock("acquire", life, command)),
  tryAcquire: toKeeper((life, command) => takeLock("tryAcquire", life, { ...command, do: "acquire" })),
  using: toKeeper((life, { name, ttlMs, waitMs, holdMs }) => {
    const work = (lock: Lock): Promise<void> => held(life, holdMs).finally(life.holds(lock));
    return life.call("locks.using", () => life.keeper.locks.using(name, work, { ttlMs, waitMs }));
  }),
  pauseAll: toKeeper((life) => life.call("pause", () => life.keeper.pause())),
  resumeAll: toKeeper((life) => life.call("resume", () => life.keeper.resume())),
  setCapacity: toKeeper((life, { capacity }) =>
    life.call("setCapacity", () => life.keeper.setCapacity(capacity)),
  ),
  close: toKeeper((_, { drainMs, downMs }, process) => process.close(drainMs, downMs)),
  crash: (world, { keeper, downMs }) => void world.processes[keeper]?.crash(downMs),
  stepClock: toMachine((life, { byMs }, world, process) => {
    // No process can see a step that is made while it sleeps.
    if (!life.clock.isAwake) return;
    life.clock.step(byMs);
    process.steppedAt = world.now;
  }),
  sleep: toMachine((life, { forMs }, world, process) => {
    if (world.now - process.steppedAt >= lookMs) life.clock.sleep(forMs);
  }),
  stop: toMachine((life, { forMs }) => life.clock.stop(forMs)),
  storeFaults: toMachine((_, { forMs, share }, world, process) => {
    process.storm = { until: world.now + forMs, share };
  }),
  leaseFaults(world, { forMs, share }) {
    world.leaseStorm = { until: world.now + forMs, share };
  },
};

async function sendMessage(life: Life, command: CommandOf<"send">): Promise<void> {
  const { session, id, mode, priority, group, expiresInMs, withdrawnAfterMs } = command;
  const withdrawal = new AbortController();
  if (withdrawnAfterMs !== undefined) life.clock.setTimeout(() => withdrawal.abort(), withdrawnAfterMs);
  // Whoever has withdrawn it does not send it again with that signal: whether it was accepted is to be known.
  const optionsOf = (isAgain: boolean): SendOptions => ({
    id,
    mode,
    priority,
    group,
    expiresInMs,
    signal: isAgain || withdrawnAfterMs === undefined ? undefined : withdrawal.signal,
  });
  life.accepted(
    await life.insist("send", (isAgain) => life.keeper.send(session, `body of ${id}`, optionsOf(isAgain))),
  );
}

async function notify(life: Life, command: CommandOf<"notify">): Promise<void> {
  const { session, id, key, priority, group, wake } = command;
  const event = { kind: "note", body: `about ${id}`, key };
  const options = { id, priority, group, wake };
  life.accepted(await life.insist("notify", () => life.keeper.notify(session, event, options)));
}

async function newestLetter(life: Life, sessionKey: string): Promise<string | undefined> {
  const letters = await life.call("deadLetters", () => life.keeper.deadLetters({ sessionKey, limit: 1 }));
  return letters?.[0]?.id;
}

async function takeLock(
  how: "acquire" | "tryAcquire",
  life: Life,
  { name, ttlMs, waitMs, holdMs }: CommandOf<"acquire">,
): Promise<void> {
  const options: LockOptions = { ttlMs, waitMs };
  const lock = await life.call<Lock | undefined>(`locks.${how}`, () => life.keeper.locks[how](name, options));
  if (lock === undefined) return;
  await held(life, holdMs).finally(life.holds(lock));
  await life.call("lock.release", () => lock.release());
}

function held({ clock }: Life, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, ms));
}

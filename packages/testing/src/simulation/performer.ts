import type { Lock, LockOptions, SendOptions } from "lanekeeper";
import type { Command } from "./command.ts";
import type { Life } from "./life.ts";
import { keeperOfAgent } from "./setup.ts";
import type { World } from "./world.ts";

/** True milliseconds in which a sleep may hide behind a step of the clock that nobody has looked at (B49). */
const lookMs = 5_000;

/** Does to a world what a command says. What nobody is there to do is left out. */
export function perform(world: World, command: Command): void {
  switch (command.do) {
    case "heartbeat":
      perAgent(world, command);
      return;
    case "acquire":
    case "tryAcquire":
    case "using":
      world.processes[command.keeper]?.whileServing((life) => lock(life, command));
      return;
    case "pauseAll":
    case "resumeAll":
    case "setCapacity":
    case "close":
    case "crash":
    case "stepClock":
    case "sleep":
    case "stop":
    case "storeFaults":
    case "leaseFaults":
      toMachine(world, command);
      return;
    default:
      if (command.do === "notify" && command.wake === false) world.quiet.add(`${command.session} ${command.id}`);
      world.processOf(command.session).whileServing((life) => toSession(life, command));
  }
}

async function toSession(life: Life, command: Extract<Command, { readonly session: string }>): Promise<void> {
  const { keeper, clock } = life;
  const { session } = command;
  const ask = <T>(act: () => Promise<T>): Promise<T | undefined> => life.call(command.do, act);
  switch (command.do) {
    case "send": {
      const { id, mode, priority, group, expiresInMs, withdrawnAfterMs } = command;
      const withdrawal = withdrawnAfterMs === undefined ? undefined : new AbortController();
      if (withdrawnAfterMs !== undefined) clock.setTimeout(() => withdrawal!.abort(), withdrawnAfterMs);
      // Whoever has withdrawn it does not send it again with that signal: whether it was accepted is to be known.
      const optionsOf = (isAgain: boolean): SendOptions => ({
        id,
        mode,
        priority,
        group,
        expiresInMs,
        signal: isAgain ? undefined : withdrawal?.signal,
      });
      life.accepted(await life.insist("send", (isAgain) => keeper.send(session, `body of ${id}`, optionsOf(isAgain))));
      return;
    }
    case "notify": {
      const { id, key, priority, group, wake } = command;
      const event = { kind: "note", body: `about ${id}`, key };
      life.accepted(await life.insist("notify", () => keeper.notify(session, event, { id, priority, group, wake })));
      return;
    }
    case "wake": {
      const { reason, priority, coalesceMs } = command;
      await ask(async () => keeper.wake(session, { reason, priority, coalesceMs }));
      return;
    }
    case "exec": {
      const { name, timeoutMs, notify } = command;
      await ask(() => keeper.exec(session, "run", [name], { timeoutMs, notify }));
      return;
    }
    case "expectExec": {
      const { execId, timeoutMs } = command;
      await ask(() => keeper.expectExec(session, execId, { timeoutMs }));
      return;
    }
    case "reportExec": {
      const { execId, exitCode } = command;
      const report = { execId, sessionKey: session, exitCode };
      await life.insist("reportExec", () => keeper.reportExec(report));
      return;
    }
    case "cancel": {
      const receipt = life.receipts.get(`${session} ${command.id}`);
      if (receipt !== undefined) await ask(() => receipt.cancel("changed my mind"));
      return;
    }
    case "attach":
      life.follow(await ask(() => keeper.attach(session, command.id)));
      return;
    case "abort":
      await ask(() => keeper.abort(session, "by hand"));
      return;
    case "reset":
    case "forget":
    case "pause":
    case "resume": {
      const { do: what } = command;
      await ask(async () => keeper[what](session));
      return;
    }
    case "clear":
      await ask(() => keeper.clear(session, { events: command.events }));
      return;
    case "redrive":
    case "discard": {
      const letters = await ask(() => keeper.deadLetters({ sessionKey: session, limit: 1 }));
      const letter = letters?.[0];
      if (letter === undefined) return;
      if (command.do === "discard") await ask(() => keeper.discard(letter.id));
      else life.follow(await ask(() => keeper.redrive(letter.id)));
    }
  }
}

function perAgent(world: World, { agent, what }: Extract<Command, { do: "heartbeat" }>): void {
  if (!world.setup.heartbeats.some((heartbeat) => heartbeat.agent === agent)) return;
  const process = world.processes[keeperOfAgent(world.setup, agent)];
  process?.whileServing((life) => life.call("heartbeat", () => askHeartbeat(life, agent, what)));
}

/** Asks for something of an agent's heartbeats. */
export async function askHeartbeat(
  { keeper }: Life,
  agent: string,
  what: "request" | "enable" | "disable",
): Promise<unknown> {
  return keeper.heartbeat(agent)[what]();
}

async function lock(
  life: Life,
  { do: what, name, ttlMs, waitMs, holdMs }: Extract<Command, { do: "acquire" | "tryAcquire" | "using" }>,
): Promise<void> {
  const { locks } = life.keeper;
  const options: LockOptions = { ttlMs, waitMs };
  const held = (): Promise<void> => new Promise((resolve) => void life.clock.setTimeout(resolve, holdMs));
  const ask = <T>(act: () => Promise<T>): Promise<T | undefined> => life.call(`locks.${what}`, act);
  if (what === "using") {
    const work = (taken: Lock): Promise<void> => held().finally(life.holds(taken));
    await ask(() => locks.using(name, work, options));
    return;
  }
  const lock = await ask<Lock | undefined>(() => locks[what](name, options));
  if (lock === undefined) return;
  await held().finally(life.holds(lock));
  await life.call("lock.release", () => lock.release());
}

function toMachine(world: World, command: Extract<Command, { readonly keeper: number } | { do: "leaseFaults" }>): void {
  if (command.do === "leaseFaults") {
    world.leaseStorm = { until: world.now + command.forMs, share: command.share };
    return;
  }
  const process = world.processes[command.keeper];
  const life = process?.life;
  switch (command.do) {
    case "pauseAll":
      process?.whileServing((one) => one.call("pause", () => one.keeper.pause()));
      return;
    case "resumeAll":
      process?.whileServing((one) => one.call("resume", () => one.keeper.resume()));
      return;
    case "setCapacity": {
      const { capacity } = command;
      process?.whileServing((one) => one.call("setCapacity", () => one.keeper.setCapacity(capacity)));
      return;
    }
    case "close":
      process?.whileServing(() => process.close(command.drainMs, command.downMs));
      return;
    case "crash":
      void process?.crash(command.downMs);
      return;
    case "storeFaults":
      if (process !== undefined) process.storm = { until: world.now + command.forMs, share: command.share };
      return;
    case "stepClock":
      // No process can see a step that is made while it sleeps.
      if (process === undefined || life?.clock.isAwake !== true) return;
      life.clock.step(command.byMs);
      process.steppedAt = world.now;
      break;
    case "sleep":
      if (life === undefined || world.now - process!.steppedAt < lookMs) return;
      life.clock.sleep(command.forMs);
      break;
    case "stop":
      life?.clock.stop(command.forMs);
  }
  if (life !== undefined) world.note(life.name, JSON.stringify(command));
}

import type { RouteResult } from "../commands/route-result.ts";
import type { Execution } from "../commands/execution.ts";
import type { HeartbeatControl } from "../heartbeats/heartbeat-control.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Calls, Handing } from "./calls.ts";
import { recordLocks } from "./recorded-locks.ts";
import type { RecordingLog } from "./recording-log.ts";

/** A keeper whose calls are noted, and those of what they give. The log ends when it has closed. */
export function recordKeeper(keeper: Lanekeeper, log: RecordingLog, calls: Calls): Lanekeeper {
  const noted = <Args extends readonly unknown[], R>(
    method: string,
    run: (...args: Args) => R,
    hand?: Handing,
  ): ((...args: Args) => R) => {
    return (...args) => calls.call({ method, args }, () => run(...args), hand);
  };
  const giveReceipt: Handing = (answer, call) => {
    if (answer === undefined) return { shown: undefined, given: undefined };
    const receipt = answer as Receipt;
    const { id, sessionKey, acceptedAt } = receipt;
    void receipt.outcome.then((outcome) => log.note({ type: "outcome", call, sessionKey, id, outcome }));
    return { shown: { id, sessionKey, acceptedAt }, given: recordReceipt(receipt, calls, call) };
  };
  const giveRoute: Handing = (answer, call) => {
    const result = answer as RouteResult;
    if (!result.routed) return { shown: result, given: result };
    const { shown: receipt, given } = giveReceipt(result.receipt, call);
    return { shown: { ...result, receipt }, given: { ...result, receipt: given } };
  };
  const giveHeartbeat: Handing = (answer, call) => ({
    shown: undefined,
    given: recordHeartbeat(answer as HeartbeatControl, calls, call),
  });
  const locks = recordLocks(() => keeper.locks, {
    log,
    calls,
    note: ({ what, ...request }, run, hand) => calls.call({ method: `locks.${what}`, ...request }, run, hand),
  });
  const closing = noted("close", () => keeper.close());
  let closed: Promise<void> | undefined;
  const closeNow = async (): Promise<void> => {
    try {
      await closing();
    } finally {
      await log.end();
    }
  };
  const close = (): Promise<void> => (closed ??= closeNow());
  return {
    send: (...args) =>
      calls.call({ method: "send", args, optionsAt: 2 }, (given) => keeper.send(...given), giveReceipt),
    notify: noted("notify", (...args) => keeper.notify(...args), giveReceipt),
    attach: noted("attach", (...args) => keeper.attach(...args), giveReceipt),
    redrive: noted("redrive", (...args) => keeper.redrive(...args), giveReceipt),
    wake: noted("wake", (...args) => keeper.wake(...args)),
    exec: noted("exec", (...args) => keeper.exec(...args), createExecutionHanding(calls)),
    expectExec: noted("expectExec", (...args) => keeper.expectExec(...args)),
    reportExec: noted("reportExec", (...args) => keeper.reportExec(...args), giveRoute),
    heartbeat: noted("heartbeat", (...args) => keeper.heartbeat(...args), giveHeartbeat),
    locks,
    events$: keeper.events$,
    stats: noted("stats", () => keeper.stats()),
    session: noted("session", (...args) => keeper.session(...args)),
    sessions: noted("sessions", (...args) => keeper.sessions(...args)),
    mailbox: noted("mailbox", (...args) => keeper.mailbox(...args)),
    explain: noted("explain", (...args) => keeper.explain(...args)),
    deadLetters: noted("deadLetters", (...args) => keeper.deadLetters(...args)),
    discard: noted("discard", (...args) => keeper.discard(...args)),
    clear: noted("clear", (...args) => keeper.clear(...args)),
    reset: noted("reset", (...args) => keeper.reset(...args)),
    abort: noted("abort", (...args) => keeper.abort(...args)),
    forget: noted("forget", (...args) => keeper.forget(...args)),
    pause: noted("pause", (...args) => keeper.pause(...args)),
    resume: noted("resume", (...args) => keeper.resume(...args)),
    setCapacity: noted("setCapacity", (...args) => keeper.setCapacity(...args)),
    drain: noted("drain", (...args) => keeper.drain(...args)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A started command, and what is noted of it. */
export function createExecutionHanding(calls: Calls): Handing {
  return (answer, call) => {
    const execution = answer as Execution;
    const { execId, sessionKey, pid } = execution;
    const given: Execution = {
      execId,
      sessionKey,
      pid,
      done: execution.done,
      kill: (...args) =>
        calls.call({ method: "execution.kill", args, on: call }, () => execution.kill(...args)),
    };
    return { shown: { execId, sessionKey, pid }, given };
  };
}

function recordReceipt(receipt: Receipt, calls: Calls, on: number): Receipt {
  const { id, sessionKey, acceptedAt } = receipt;
  return {
    id,
    sessionKey,
    acceptedAt,
    get outcome() {
      return receipt.outcome;
    },
    reply: () => calls.call({ method: "receipt.reply", args: [], on }, () => receipt.reply()),
    cancel: (...args) => calls.call({ method: "receipt.cancel", args, on }, () => receipt.cancel(...args)),
  };
}

function recordHeartbeat(control: HeartbeatControl, calls: Calls, on: number): HeartbeatControl {
  const noted =
    <R>(what: string, run: () => R): (() => R) =>
    () =>
      calls.call({ method: `heartbeat.${what}`, args: [], on }, run);
  return {
    request: noted("request", () => control.request()),
    inspect: noted("inspect", () => control.inspect()),
    enable: noted("enable", () => control.enable()),
    disable: noted("disable", () => control.disable()),
  };
}

import type { LeaseStore } from "../store/leases.ts";
import type { Processes, StartedProcess } from "../commands/processes.ts";
import type { Mailboxes, Store, StoreHost } from "../store/store.ts";
import type { InnerEntry } from "./inner-entries.ts";
import type { RecordingLog } from "./recording-log.ts";

type Port = (InnerEntry & { readonly type: "asked" })["port"];

/** Notes a question to a port and its answer, whether that comes at once or later. `give` makes what the keeper is given of it. */
function ask<T>(
  log: RecordingLog,
  [port, what, args]: readonly [port: Port, what: string, args: readonly unknown[]],
  act: (request: number) => T | PromiseLike<T>,
  give: (answer: T, request: number) => { readonly shown: unknown; readonly given: T } = (answer) => ({
    shown: answer,
    given: answer,
  }),
): T | Promise<T> {
  const request = log.nextRequest();
  const question = { type: "asked", port, what, args } as const;
  let answer: T | PromiseLike<T>;
  try {
    answer = log.callOut(() => act(request));
  } catch (error) {
    log.note({ ...question, error });
    throw error;
  }
  if (!isThenable(answer)) {
    const { shown, given } = give(answer, request);
    log.note({ ...question, answer: shown });
    return given;
  }
  log.note({ ...question, request });
  return Promise.resolve(answer).then(
    (value) => {
      const { shown, given } = give(value, request);
      log.note({ type: "answered", request, value: shown });
      return given;
    },
    (thrown: unknown) => {
      log.note({ type: "answered", request, error: { thrown } });
      throw thrown;
    },
  );
}

function isThenable<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return (
    typeof answer === "object" && answer !== null && typeof (answer as { then?: unknown }).then === "function"
  );
}

/** A store whose every step is noted. `host` is what it is opened with: what it does with that needs no note. */
export function recordStore(store: Store, log: RecordingLog, host: StoreHost): Store {
  const give = (mailboxes: Mailboxes): { shown: undefined; given: Mailboxes } => ({
    shown: undefined,
    given: recordMailboxes(mailboxes, log),
  });
  return {
    leases: recordLeases(store.leases, log),
    open: () => ask(log, ["store", "open", []], () => store.open(host), give),
    close: async () => ask(log, ["store", "close", []], () => store.close()),
  };
}

function recordMailboxes(mailboxes: Mailboxes, log: RecordingLog): Mailboxes {
  const steps = new Map<string | symbol, { readonly member: unknown; readonly step: unknown }>();
  return new Proxy(mailboxes, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      // Whoever awaits it asks whether it is a promise.
      if (member === undefined) return undefined;
      if (typeof member !== "function") {
        log.note({ type: "gave", what: String(name), value: member });
        return member;
      }
      const known = steps.get(name);
      if (known?.member === member) return known.step;
      const step = (...args: readonly unknown[]): unknown =>
        ask(log, ["store", String(name), args], () => member.apply(target, args) as unknown);
      steps.set(name, { member, step });
      return step;
    },
  });
}

/** Leases whose every command and every release is noted. */
export function recordLeases(leases: LeaseStore, log: RecordingLog): LeaseStore {
  const recorded: LeaseStore = {
    acquire: async (...args) => ask(log, ["leases", "acquire", args], () => leases.acquire(...args)),
    renew: async (...args) => ask(log, ["leases", "renew", args], () => leases.renew(...args)),
    release: async (...args) => ask(log, ["leases", "release", args], () => leases.release(...args)),
    close: async () => ask(log, ["leases", "close", []], () => leases.close()),
  };
  if (leases.watch === undefined) return recorded;
  const watch = leases.watch.bind(leases);
  recorded.watch = (name, released) => {
    const request = log.nextRequest();
    log.note({ type: "asked", port: "leases", what: "watch", args: [name], request });
    const tell = (): void => {
      log.note({ type: "told", request, what: "released", args: [] });
      released();
    };
    let stop: () => void;
    try {
      stop = log.callOut(() => watch(name, tell));
    } catch (thrown) {
      log.note({ type: "answered", request, error: { thrown } });
      throw thrown;
    }
    return () => void ask(log, ["leases", "unwatch", [request]], () => stop());
  };
  return recorded;
}

/** Processes whose start, output, signals and end are noted, and who was found. */
export function recordProcesses(processes: Processes, log: RecordingLog): Processes {
  const give = ({ pid, mark, kill }: StartedProcess, request: number) => ({
    shown: { pid, mark },
    given: {
      pid,
      mark,
      kill: (signal: NodeJS.Signals) =>
        ask(log, ["processes", "kill", [request, signal]], () => kill(signal)) as boolean,
    },
  });
  const giveFound = (found: StartedProcess | undefined, request: number) =>
    found === undefined ? { shown: undefined, given: undefined } : give(found, request);
  return {
    start: async (command, listener) =>
      ask(
        log,
        ["processes", "start", [command]],
        (request) =>
          processes.start(command, {
            output(text) {
              log.note({ type: "told", request, what: "output", args: [text] });
              listener.output(text);
            },
            ended(exitCode, signal) {
              log.note({ type: "told", request, what: "ended", args: [exitCode, signal] });
              listener.ended(exitCode, signal);
            },
          }),
        give,
      ),
    find: async (identity) =>
      ask(log, ["processes", "find", [identity]], async () => processes.find?.(identity), giveFound),
    findStarted: async (execId) =>
      ask(
        log,
        ["processes", "findStarted", [execId]],
        async () => processes.findStarted?.(execId),
        giveFound,
      ),
  };
}

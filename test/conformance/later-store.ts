import { type Answer, type Clock, memoryStore, type Mailboxes, type Store } from "lanekeeper/ports";

/**
 * A memory store whose every answer comes later.
 *
 * I1. No step happens, and none is answered, in the call that asks for it.
 * I2. Steps happen, and are answered, in the order they were asked for, one each turn of the event loop.
 * I3. Each step looks at the keeper's clock, so that a simulated one sees that work goes on and waits for its end.
 */
export function laterStore(store: Store = memoryStore()): Store {
  let clock: Clock | undefined;
  const line = createLine(() => clock?.now());
  return {
    leases: store.leases,
    open(host) {
      clock = host.clock;
      return line.ask(async () => answerLater(await store.open(host), line));
    },
    close: () => line.ask(() => store.close()),
  };
}

/** Where steps wait for their turn. */
interface Line {
  ask<T>(step: () => Answer<T>): Promise<T>;
}

function createLine(served: () => void): Line {
  const waiting: (() => void)[] = [];
  let isServing = false;
  const serveNext = (): void => {
    isServing = waiting.length > 0;
    if (isServing) setImmediate(serveOne);
  };
  const serveOne = (): void => {
    waiting.shift()!();
    served();
    serveNext();
  };
  return {
    ask: (step) =>
      new Promise((resolve, reject) => {
        waiting.push(() => {
          try {
            resolve(step());
          } catch (error) {
            reject(error);
          }
        });
        if (!isServing) serveNext();
      }),
  };
}

function answerLater(mailboxes: Mailboxes, line: Line): Mailboxes {
  return {
    get isHeld() {
      return mailboxes.isHeld;
    },
    isDurable: mailboxes.isDurable,
    get known() {
      return mailboxes.known;
    },
    get backlog() {
      return mailboxes.backlog;
    },
    pauses: () => line.ask(() => mailboxes.pauses()),
    append: (item, limits) => line.ask(() => mailboxes.append(item, limits)),
    waiting: (sessionKey) => line.ask(() => mailboxes.waiting(sessionKey)),
    unfinished: (sessionKey) => line.ask(() => mailboxes.unfinished(sessionKey)),
    find: (sessionKey, id) => line.ask(() => mailboxes.find(sessionKey, id)),
    withdraw: (request) => line.ask(() => mailboxes.withdraw(request)),
    openTurn: (request) => line.ask(() => mailboxes.openTurn(request)),
    claimSteering: (request) => line.ask(() => mailboxes.claimSteering(request)),
    settleTurn: (settlement) => line.ask(() => mailboxes.settleTurn(settlement)),
    restart: (request) => line.ask(() => mailboxes.restart(request)),
    session: (sessionKey) => line.ask(() => mailboxes.session(sessionKey)),
    page: (query) => line.ask(() => mailboxes.page(query)),
    forget: (sessionKey) => line.ask(() => mailboxes.forget(sessionKey)),
    unused: (query) => line.ask(() => mailboxes.unused(query)),
    abandonedTurns: () => line.ask(() => mailboxes.abandonedTurns()),
    pause: (sessionKey, isPaused) => line.ask(() => mailboxes.pause(sessionKey, isPaused)),
    recordExecution: (record) => line.ask(() => mailboxes.recordExecution(record)),
    recordProcess: (request) => line.ask(() => mailboxes.recordProcess(request)),
    forgetExecution: (execId) => line.ask(() => mailboxes.forgetExecution(execId)),
    execution: (execId) => line.ask(() => mailboxes.execution(execId)),
    openExecutions: () => line.ask(() => mailboxes.openExecutions()),
    completeExecution: (request) => line.ask(() => mailboxes.completeExecution(request)),
    releaseCompletions: (sessionKey) => line.ask(() => mailboxes.releaseCompletions(sessionKey)),
    heartbeats: () => line.ask(() => mailboxes.heartbeats()),
    recordHeartbeat: (state) => line.ask(() => mailboxes.recordHeartbeat(state)),
    deadLetters: (query) => line.ask(() => mailboxes.deadLetters(query)),
    deadLetter: (id) => line.ask(() => mailboxes.deadLetter(id)),
    redrive: (request) => line.ask(() => mailboxes.redrive(request)),
    discard: (id) => line.ask(() => mailboxes.discard(id)),
    sweep: () => line.ask(() => mailboxes.sweep()),
  };
}

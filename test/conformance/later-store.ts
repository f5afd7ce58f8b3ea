import { type Answer, memoryStore, type Mailboxes, type Store } from "lanekeeper/ports";

/**
 * A memory store whose every answer comes later.
 *
 * I1. No step happens, and none is answered, in the call that asks for it.
 * I2. Steps happen, and are answered, in the order they were asked for, one each turn of the event loop.
 */
export function laterStore(store: Store = memoryStore()): Store {
  const line = createLine();
  return {
    leases: store.leases,
    open: (host) => line.then(async () => answerLater(await store.open(host), line)),
    close: () => line.then(() => store.close()),
  };
}

/** Whoever asks waits in line. */
interface Line {
  then<T>(step: () => Answer<T>): Promise<T>;
}

function createLine(): Line {
  const waiting: (() => void)[] = [];
  const serveOne = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(serveOne);
  };
  return {
    then: (step) =>
      new Promise((resolve, reject) => {
        waiting.push(() => {
          try {
            resolve(step());
          } catch (error) {
            reject(error as Error);
          }
        });
        if (waiting.length === 1) setImmediate(serveOne);
      }),
  };
}

function answerLater(mailboxes: Mailboxes, line: Line): Mailboxes {
  return {
    get known() {
      return mailboxes.known;
    },
    pauses: () => line.then(() => mailboxes.pauses()),
    append: (item, limits) => line.then(() => mailboxes.append(item, limits)),
    waiting: (sessionKey) => line.then(() => mailboxes.waiting(sessionKey)),
    unfinished: (sessionKey) => line.then(() => mailboxes.unfinished(sessionKey)),
    find: (sessionKey, id) => line.then(() => mailboxes.find(sessionKey, id)),
    withdraw: (request) => line.then(() => mailboxes.withdraw(request)),
    openTurn: (request) => line.then(() => mailboxes.openTurn(request)),
    settleTurn: (settlement) => line.then(() => mailboxes.settleTurn(settlement)),
    restart: (request) => line.then(() => mailboxes.restart(request)),
    session: (sessionKey) => line.then(() => mailboxes.session(sessionKey)),
    page: (query) => line.then(() => mailboxes.page(query)),
    pause: (sessionKey, isPaused) => line.then(() => mailboxes.pause(sessionKey, isPaused)),
    recordExecution: (record) => line.then(() => mailboxes.recordExecution(record)),
    forgetExecution: (execId) => line.then(() => mailboxes.forgetExecution(execId)),
    execution: (execId) => line.then(() => mailboxes.execution(execId)),
    completeExecution: (request) => line.then(() => mailboxes.completeExecution(request)),
    deadLetters: (query) => line.then(() => mailboxes.deadLetters(query)),
    sweep: () => line.then(() => mailboxes.sweep()),
  };
}
